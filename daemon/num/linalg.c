#include "num/linalg.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>

/* Fortran's; the length of the string comes last. */
void dpotrf_(const char *uplo, const blasint *n, double *a, const blasint *lda,
	     blasint *ret_info, size_t uplo_length);
void dpotri_(const char *uplo, const blasint *n, double *a, const blasint *lda,
	     blasint *ret_info, size_t uplo_length);
void dsyevd_(const char *job, const char *uplo, const blasint *n, double *a,
	     const blasint *lda, double *ret_w, double *work,
	     const blasint *lwork, blasint *iwork, const blasint *liwork,
	     blasint *ret_info, size_t job_length, size_t uplo_length);

/*
 * An OpenBLAS that is built without threads hands its work space to two callers
 * at once (seen with Debian's libopenblas0-serial 0.3.21: wrong factors), so
 * its callers take turns. One that is built with threads locks it itself.
 */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static bool take_turns;

static void set_up(void)
{
	openblas_set_num_threads(1);
	take_turns = openblas_get_parallel() == 0;
}

/* Around all that calls BLAS; not nested. */
static void begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_up);
	if (take_turns)
		pthread_mutex_lock(&turn);
}

static void end(void)
{
	if (take_turns)
		pthread_mutex_unlock(&turn);
}

static blasint size_of(size_t n)
{
	assert(n <= INT_MAX);
	return (blasint)n;
}

/* BLAS wants a leading dimension of at least 1. */
static blasint ld_of(size_t ld)
{
	return ld > 0 ? size_of(ld) : 1;
}

/*
 * A NaN passes OpenBLAS's test of a pivot, but then always reaches the
 * diagonal.
 */
static bool diagonal_is_finite(size_t n, const double *l, size_t ld)
{
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(l[i + i * ld]))
			return false;
	}
	return true;
}

static int factor(size_t n, double *a, size_t ld)
{
	blasint size = size_of(n), stride = ld_of(ld), info;

	dpotrf_("L", &size, a, &stride, &info, 1);
	assert(info >= 0);
	return info != 0 || !diagonal_is_finite(n, a, ld);
}

int chol_factor(size_t n, double *a, size_t ld)
{
	int r;

	assert(ld >= n);
	begin();
	r = factor(n, a, ld);
	end();
	return r;
}

/* Copies the strict triangles by tiles, which stay in the cache. */
#define TILE 32

static void copy_lower_to_upper(size_t n, double *a, size_t ld)
{
	for (size_t j0 = 0; j0 < n; j0 += TILE) {
		for (size_t i = j0 + 1; i < n; i++) {
			size_t end = i < j0 + TILE ? i : j0 + TILE;

			for (size_t j = j0; j < end; j++)
				a[j + i * ld] = a[i + j * ld];
		}
	}
}

static void copy_upper_to_lower(size_t n, double *a, size_t ld)
{
	for (size_t j0 = 0; j0 < n; j0 += TILE) {
		for (size_t i = j0 + 1; i < n; i++) {
			size_t end = i < j0 + TILE ? i : j0 + TILE;

			for (size_t j = j0; j < end; j++)
				a[i + j * ld] = a[j + i * ld];
		}
	}
}

int chol_factor_jitter(size_t n, double *a, size_t ld, double *work,
		       double *ret_jitter)
{
	double sum = 0, share = 1e-10, jitter;

	for (size_t i = 0; i < n; i++) {
		work[i] = a[i + i * ld];
		sum += work[i];
	}
	copy_lower_to_upper(n, a, ld);
	*ret_jitter = 0;
	if (chol_factor(n, a, ld) == 0)
		return 0;
	for (int k = 0; k < 8; k++) {
		jitter = share * sum / (double)n;
		share *= 10;
		copy_upper_to_lower(n, a, ld);
		for (size_t i = 0; i < n; i++)
			a[i + i * ld] = work[i] + jitter;
		if (chol_factor(n, a, ld) == 0) {
			*ret_jitter = jitter;
			return 0;
		}
	}
	return 1;
}

int chol_append(size_t n, size_t m, double *l, size_t ld)
{
	double *rows = l + n, *corner;
	blasint size = size_of(n), added = size_of(m), stride = ld_of(ld);
	int r;

	assert(ld >= n + m);
	if (m == 0)
		return 0;
	corner = rows + n * ld;
	begin();
	if (m == 1) {
		cblas_dtrsv(CblasColMajor, CblasLower, CblasNoTrans,
			    CblasNonUnit, size, l, stride, rows, stride);
		*corner -= cblas_ddot(size, rows, stride, rows, stride);
	} else {
		cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasTrans,
			    CblasNonUnit, added, size, 1, l, stride, rows,
			    stride);
		cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, added,
			    size, -1, rows, stride, 1, corner, stride);
	}
	r = factor(m, corner, ld);
	end();
	return r;
}

/* dtrsm is slow for one column. */
void chol_solve_lower(size_t n, const double *l, size_t ld, size_t m, double *b,
		      size_t ldb)
{
	blasint size = size_of(n), stride = ld_of(ld);

	assert(ld >= n && (ldb >= n || m <= 1));
	begin();
	if (m == 1)
		cblas_dtrsv(CblasColMajor, CblasLower, CblasNoTrans,
			    CblasNonUnit, size, l, stride, b, 1);
	else
		cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans,
			    CblasNonUnit, size, size_of(m), 1, l, stride, b,
			    ld_of(ldb));
	end();
}

void chol_solve_upper(size_t n, const double *l, size_t ld, size_t m, double *b,
		      size_t ldb)
{
	blasint size = size_of(n), stride = ld_of(ld);

	assert(ld >= n && (ldb >= n || m <= 1));
	begin();
	if (m == 1)
		cblas_dtrsv(CblasColMajor, CblasLower, CblasTrans, CblasNonUnit,
			    size, l, stride, b, 1);
	else
		cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasTrans,
			    CblasNonUnit, size, size_of(m), 1, l, stride, b,
			    ld_of(ldb));
	end();
}

void chol_inverse(size_t n, double *l, size_t ld)
{
	blasint size = size_of(n), stride = ld_of(ld), info;

	assert(ld >= n);
	begin();
	dpotri_("L", &size, l, &stride, &info, 1);
	end();
	assert(info == 0);
}

double chol_log_det(size_t n, const double *l, size_t ld)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += log(l[i + i * ld]);
	return 2 * sum;
}

double dot(size_t n, const double *x, const double *y)
{
	double sum;

	begin();
	sum = cblas_ddot(size_of(n), x, 1, y, 1);
	end();
	return sum;
}

void mat_vec(size_t rows, size_t columns, const double *a, size_t ld,
	     const double *x, double *ret)
{
	assert(ld >= rows);
	begin();
	cblas_dgemv(CblasColMajor, CblasNoTrans, size_of(rows),
		    size_of(columns), 1, a, ld_of(ld), x, 1, 0, ret, 1);
	end();
}

void mat_t_vec(size_t rows, size_t columns, const double *a, size_t ld,
	       const double *x, double *ret)
{
	assert(ld >= rows);
	begin();
	cblas_dgemv(CblasColMajor, CblasTrans, size_of(rows), size_of(columns),
		    1, a, ld_of(ld), x, 1, 0, ret, 1);
	end();
}

void sym_add_outer(size_t n, double s, const double *x, double *a, size_t ld)
{
	assert(ld >= n);
	begin();
	cblas_dsyr(CblasColMajor, CblasLower, size_of(n), s, x, 1, a,
		   ld_of(ld));
	end();
}

static bool lower_is_finite(size_t n, const double *a, size_t ld)
{
	for (size_t j = 0; j < n; j++) {
		for (size_t i = j; i < n; i++) {
			if (!isfinite(a[i + j * ld]))
				return false;
		}
	}
	return true;
}

int eig_sym(size_t n, double *a, size_t ld, double *ret_values, double *work)
{
	blasint size = size_of(n), stride = ld_of(ld), info;
	blasint reals = size_of(2 * n * n + 6 * n + 1);
	blasint integers = size_of(5 * n + 3);
	blasint *iwork = (blasint *)(work + reals);

	static_assert(sizeof(blasint) <= sizeof(double) / 2,
		      "EIG_SYM_WORK() has room for the integers");
	assert(ld >= n);
	/* LAPACK may not return from a NaN. */
	if (!lower_is_finite(n, a, ld))
		return 1;
	begin();
	dsyevd_("V", "L", &size, a, &stride, ret_values, work, &reals, iwork,
		&integers, &info, 1, 1);
	end();
	assert(info >= 0);
	return info != 0;
}
