#include "check_main.h"
#include "num/linalg.h"
#include "num/rng.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof *(array))

static const size_t sizes[] = { 1, 2, 3, 17, 64, 65, 200 };

static double *numbers(size_t n)
{
	double *v = calloc(n + 1, sizeof(*v));

	ck_assert_ptr_nonnull(v);
	return v;
}

static double *copy(size_t n, const double *from)
{
	double *v = numbers(n);

	memcpy(v, from, n * sizeof(*v));
	return v;
}

/* The covariances of points on a line and @noise; the upper triangle is NaN. */
static double *covariance(size_t n, size_t ld, double length, double noise)
{
	double *a = numbers(ld * n);

	for (size_t j = 0; j < n; j++) {
		for (size_t i = 0; i < ld; i++) {
			double d = ((double)i - (double)j) / length;

			a[i + j * ld] = i < j ? (double)NAN : exp(-d * d / 2);
		}
		a[j + j * ld] += noise;
	}
	return a;
}

static double lower(const double *a, size_t ld, size_t i, size_t j)
{
	return i >= j ? a[i + j * ld] : a[j + i * ld];
}

/* Entry i of A x, of a symmetric A with @n rows. */
static double row_times(size_t n, const double *a, size_t i, const double *x)
{
	double sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += lower(a, n, i, k) * x[k];
	return sum;
}

/* Entry (i, j) of L L^T. */
static double product(const double *l, size_t ld, size_t i, size_t j)
{
	double sum = 0;

	for (size_t k = 0; k <= i && k <= j; k++)
		sum += l[i + k * ld] * l[j + k * ld];
	return sum;
}

static double largest_error(size_t n, const double *a, const double *l,
			    size_t ld)
{
	double largest = 0;

	for (size_t j = 0; j < n; j++) {
		for (size_t i = j; i < n; i++) {
			double error =
			    fabs(product(l, ld, i, j) - a[i + j * ld]);

			largest = error <= largest ? largest : error;
		}
	}
	return largest;
}

START_TEST(a_factor_times_its_transpose_is_the_matrix)
{
	size_t n = sizes[_i], ld = n + 3;
	double *a = covariance(n, ld, 3, 0.1), *l = copy(n * ld, a);

	ck_assert_int_eq(chol_factor(n, l, ld), 0);
	ck_assert_double_lt(largest_error(n, a, l, ld), 1e-14);
	free(l);
	free(a);
}
END_TEST

START_TEST(the_upper_triangle_is_neither_read_nor_written)
{
	size_t n = sizes[_i];
	double *l = covariance(n, n, 3, 0.1);

	ck_assert_int_eq(chol_factor(n, l, n), 0);
	chol_inverse(n, l, n);
	for (size_t j = 0; j < n; j++) {
		for (size_t i = 0; i < n; i++)
			ck_assert(i < j ? isnan(l[i + j * n])
					: isfinite(l[i + j * n]));
	}
	free(l);
}
END_TEST

START_TEST(nothing_has_a_factor)
{
	double none, jitter;

	ck_assert_int_eq(chol_factor(0, &none, 0), 0);
	ck_assert_int_eq(chol_factor_jitter(0, &none, 0, &none, &jitter), 0);
	ck_assert_int_eq(chol_append(0, 0, &none, 0), 0);
	chol_solve_lower(0, &none, 0, 1, &none, 0);
	chol_solve_upper(0, &none, 0, 2, &none, 0);
	chol_inverse(0, &none, 0);
	ck_assert_double_eq(chol_log_det(0, &none, 0), 0);
	ck_assert_double_eq(dot(0, &none, &none), 0);
}
END_TEST

/* What one entry of a good matrix becomes, so that it is good no longer. */
static const double poison[] = { (double)NAN, (double)INFINITY,
				 -(double)INFINITY, -1e6, 1e6 };

START_TEST(K1_a_matrix_that_is_not_positive_definite_is_refused)
{
	double jitter, work[40];
	size_t n = 40;

	for (size_t k = 0; k < n * n; k += 7) {
		size_t i = k % n, j = k / n;
		double *a, *b;

		if (i < j || (i == j && poison[_i] == 1e6))
			continue;
		a = covariance(n, n, 3, 0.1);
		a[i + j * n] = poison[_i];
		b = copy(n * n, a);
		ck_assert_int_eq(chol_factor(n, a, n), 1);
		ck_assert_int_eq(chol_factor_jitter(n, b, n, work, &jitter), 1);
		free(b);
		free(a);
	}
}
END_TEST

START_TEST(no_jitter_is_added_where_none_is_needed)
{
	size_t n = sizes[_i], ld = n + 1;
	double *a = covariance(n, ld, 3, 0.1), *l = copy(n * ld, a),
	       *work = numbers(n), jitter = 1;

	ck_assert_int_eq(chol_factor(n, a, ld), 0);
	ck_assert_int_eq(chol_factor_jitter(n, l, ld, work, &jitter), 0);
	ck_assert_double_eq(jitter, 0);
	for (size_t j = 0; j < n; j++)
		ck_assert_mem_eq(a + j * (ld + 1), l + j * (ld + 1),
				 (n - j) * sizeof(*a));
	free(work);
	free(l);
	free(a);
}
END_TEST

START_TEST(K1_a_singular_matrix_gets_the_least_jitter_that_helps)
{
	size_t n = 100;
	double *a = covariance(n, n, 30, 0), *l = copy(n * n, a),
	       *b = copy(n * n, a), *work = numbers(n), jitter;

	ck_assert_int_eq(chol_factor(n, b, n), 1);
	ck_assert_int_eq(chol_factor_jitter(n, l, n, work, &jitter), 0);
	ck_assert_double_gt(jitter, 0.99e-10);
	ck_assert_double_lt(jitter, 1.01e-8);
	for (size_t i = 0; i < n; i++)
		a[i + i * n] += jitter;
	ck_assert_double_lt(largest_error(n, a, l, n), 1e-14);
	free(work);
	free(b);
	free(l);
	free(a);
}
END_TEST

START_TEST(K1_jitter_follows_the_size_of_the_matrix)
{
	double a[4] = { 1e6, 1e6 * (1 + 3e-6), (double)NAN, 1e6 }, work[2],
	       jitter;

	ck_assert_int_eq(chol_factor_jitter(2, a, 2, work, &jitter), 0);
	ck_assert_double_eq_tol(jitter, 1e6 * 1e-5, 1e-6);
}
END_TEST

static const struct {
	size_t n, m;
} parts[] = {
	{0,    1  },
        { 1,   1  },
        { 30,  1  },
        { 199, 1  },
        { 0,   7  },
	{ 1,   20 },
        { 100, 5  },
        { 20,  0  },
        { 50,  100}
};

START_TEST(appending_rows_completes_the_factor)
{
	size_t n = parts[_i].n, m = parts[_i].m, all = n + m, ld = all + 2;
	double *a = covariance(all, ld, 3, 0.1), *l = copy(all * ld, a);

	ck_assert_int_eq(chol_factor(n, l, ld), 0);
	ck_assert_int_eq(chol_append(n, m, l, ld), 0);
	ck_assert_double_lt(largest_error(all, a, l, ld), 1e-14);
	free(l);
	free(a);
}
END_TEST

START_TEST(K1_a_row_that_cannot_be_appended_leaves_the_factor)
{
	static const double corners[] = { 0.3, (double)NAN, (double)INFINITY,
					  -1 };
	size_t n = 30, m = _i % 2 == 0 ? 1 : 3, ld = n + m;
	double *l = covariance(ld, ld, 3, 0.1), *before;

	l[n + n * ld] = corners[_i / 2];
	ck_assert_int_eq(chol_factor(n, l, ld), 0);
	before = copy(ld * ld, l);
	ck_assert_int_eq(chol_append(n, m, l, ld), 1);
	for (size_t j = 0; j < n; j++)
		ck_assert_mem_eq(before + j * (ld + 1), l + j * (ld + 1),
				 (n - j) * sizeof(*l));
	free(before);
	free(l);
}
END_TEST

START_TEST(the_two_solves_divide_by_the_matrix)
{
	size_t n = sizes[_i];
	double *a = covariance(n, n, 3, 0.1), *l = copy(n * n, a);

	ck_assert_int_eq(chol_factor(n, l, n), 0);
	for (size_t m = 1; m < 4; m++) {
		size_t ldb = n + 2;
		double *b = numbers(ldb * m), *x;

		for (size_t k = 0; k < ldb * m; k++)
			b[k] = rng_unit(1, 0, k) - 0.5;
		x = copy(ldb * m, b);
		chol_solve_lower(n, l, n, m, x, ldb);
		chol_solve_upper(n, l, n, m, x, ldb);
		for (size_t c = 0; c < m; c++) {
			for (size_t i = 0; i < n; i++)
				ck_assert_double_eq_tol(
				    row_times(n, a, i, x + c * ldb),
				    b[i + c * ldb], 1e-13);
			ck_assert_mem_eq(x + n + c * ldb, b + n + c * ldb,
					 2 * sizeof(*b));
		}
		free(x);
		free(b);
	}
	free(l);
	free(a);
}
END_TEST

START_TEST(the_inverse_times_the_matrix_is_one)
{
	size_t n = sizes[_i];
	double *a = covariance(n, n, 3, 0.1), *inverse = copy(n * n, a);

	ck_assert_int_eq(chol_factor(n, inverse, n), 0);
	chol_inverse(n, inverse, n);
	for (size_t i = 0; i < n; i++) {
		double *row = numbers(n);

		for (size_t k = 0; k < n; k++)
			row[k] = lower(inverse, n, i, k);
		for (size_t k = 0; k < n; k++)
			ck_assert_double_eq_tol(row_times(n, a, k, row), i == k,
						1e-12);
		free(row);
	}
	free(inverse);
	free(a);
}
END_TEST

START_TEST(the_determinant_is_that_of_the_matrix)
{
	/* det [[4, 2], [2, 3]] = 8 */
	double a[4] = { 4, 2, (double)NAN, 3 },
	       *large = covariance(500, 500, 1, 1e9);

	ck_assert_int_eq(chol_factor(2, a, 2), 0);
	ck_assert_double_eq_tol(chol_log_det(2, a, 2), log(8), 1e-15);
	/* 1e4500, which no double holds */
	ck_assert_int_eq(chol_factor(500, large, 500), 0);
	ck_assert_double_eq_tol(chol_log_det(500, large, 500),
				500 * log(1e9 + 1), 1e-9);
	free(large);
}
END_TEST

START_TEST(products_are_those_of_plain_loops)
{
	enum { COLUMNS = 5 };
	size_t rows = sizes[_i], ld = rows + 1;
	double *a = numbers(ld * COLUMNS), *x = numbers(rows),
	       *y = numbers(rows), across[COLUMNS], down[COLUMNS];

	for (size_t k = 0; k < ld * COLUMNS; k++)
		a[k] = rng_unit(2, 0, k);
	for (size_t i = 0; i < rows; i++)
		x[i] = rng_unit(2, 1, i);
	for (size_t j = 0; j < COLUMNS; j++)
		across[j] = rng_unit(2, 2, j);
	y[0] = down[0] = (double)NAN; /* is overwritten, not added to */
	mat_vec(rows, COLUMNS, a, ld, across, y);
	mat_t_vec(rows, COLUMNS, a, ld, x, down);
	for (size_t i = 0; i < rows; i++) {
		for (size_t j = 0; j < COLUMNS; j++)
			y[i] -= a[i + j * ld] * across[j];
		ck_assert_double_eq_tol(y[i], 0, 1e-14);
	}
	for (size_t j = 0; j < COLUMNS; j++) {
		ck_assert_double_eq_tol(dot(rows, x, a + j * ld), down[j],
					1e-12);
		for (size_t i = 0; i < rows; i++)
			down[j] -= a[i + j * ld] * x[i];
		ck_assert_double_eq_tol(down[j], 0, 1e-12);
	}
	free(y);
	free(x);
	free(a);
}
END_TEST

#define THREADS    4
#define SIDE       ((size_t)150)
#define PER_THREAD 60

struct thread {
	pthread_t id;
	const double *expected; /* the factor that one thread gets */
	size_t wrong;           /* numbers that differ from it */
};

static void *factor_often(void *ctx)
{
	struct thread *t = ctx;
	double *a = covariance(SIDE, SIDE, 3, 0.1), *l = numbers(SIDE * SIDE);

	for (int k = 0; k < PER_THREAD; k++) {
		memcpy(l, a, SIDE * SIDE * sizeof(*l));
		if (chol_factor(SIDE, l, SIDE) != 0)
			t->wrong++;
		for (size_t i = 0; i < SIDE * SIDE; i++)
			t->wrong += !isnan(a[i]) && l[i] != t->expected[i];
		chol_inverse(SIDE, l, SIDE);
	}
	free(l);
	free(a);
	return NULL;
}

START_TEST(threads_do_not_disturb_each_other)
{
	double *expected = covariance(SIDE, SIDE, 3, 0.1);
	struct thread threads[THREADS];

	ck_assert_int_eq(chol_factor(SIDE, expected, SIDE), 0);
	for (size_t i = 0; i < THREADS; i++) {
		struct thread *t = &threads[i];

		*t = (struct thread){ .expected = expected };
		ck_assert_int_eq(pthread_create(&t->id, NULL, factor_often, t),
				 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i].id, NULL), 0);
		ck_assert_uint_eq(threads[i].wrong, 0);
	}
	free(expected);
}
END_TEST

/* @ret [n]: A x, where A is given by its lower triangle. */
static void times(size_t n, const double *a, const double *x, double *ret)
{
	for (size_t i = 0; i < n; i++) {
		ret[i] = 0;
		for (size_t j = 0; j < n; j++)
			ret[i] += lower(a, n, i, j) * x[j];
	}
}

START_TEST(eigenvectors_are_orthonormal_and_only_stretched)
{
	size_t n = sizes[_i];
	double *a = covariance(n, n, 0.3, 0.1), *v = copy(n * n, a);
	double *w = numbers(n), *image = numbers(n);
	double *work = numbers(EIG_SYM_WORK(n));

	ck_assert_int_eq(eig_sym(n, v, n, w, work), 0);
	for (size_t k = 0; k < n; k++) {
		ck_assert(k == 0 || w[k - 1] <= w[k]);
		times(n, a, v + k * n, image);
		for (size_t i = 0; i < n; i++) {
			double product = dot(n, v + i * n, v + k * n);

			ck_assert_double_eq_tol(product, i == k, 1e-12);
			ck_assert_double_eq_tol(image[i], w[k] * v[i + k * n],
						1e-12);
		}
	}
	free(a);
	free(v);
	free(w);
	free(image);
	free(work);
}
END_TEST

START_TEST(a_matrix_that_is_not_finite_has_no_eigenvalues)
{
	double a[] = { 1, _i == 0 ? (double)NAN : (double)INFINITY, 0, 1 };
	double w[2], work[EIG_SYM_WORK(2)];

	ck_assert_int_eq(eig_sym(2, a, 2, w, work), 1);
}
END_TEST

START_TEST(an_outer_product_is_added_to_the_lower_triangle)
{
	double a[] = { 1, 2, 3, 4 }, x[] = { 2, -1 };

	sym_add_outer(2, 0.5, x, a, 2);
	ck_assert(a[0] == 3 && a[1] == 1 && a[2] == 3 && a[3] == 4.5);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("linalg");
	TCase *factor = tcase_create("factor"), *use = tcase_create("use");
	const int n = N(sizes);

	tcase_add_loop_test(factor, a_factor_times_its_transpose_is_the_matrix,
			    0, n);
	tcase_add_loop_test(
	    factor, the_upper_triangle_is_neither_read_nor_written, 0, n);
	tcase_add_test(factor, nothing_has_a_factor);
	tcase_add_loop_test(
	    factor, K1_a_matrix_that_is_not_positive_definite_is_refused, 0,
	    N(poison));
	tcase_add_loop_test(factor, no_jitter_is_added_where_none_is_needed, 0,
			    n);
	tcase_add_test(factor,
		       K1_a_singular_matrix_gets_the_least_jitter_that_helps);
	tcase_add_test(factor, K1_jitter_follows_the_size_of_the_matrix);
	tcase_add_loop_test(factor, appending_rows_completes_the_factor, 0,
			    N(parts));
	tcase_add_loop_test(
	    factor, K1_a_row_that_cannot_be_appended_leaves_the_factor, 0, 8);
	suite_add_tcase(s, factor);
	tcase_add_loop_test(use, the_two_solves_divide_by_the_matrix, 0, n);
	tcase_add_loop_test(use, the_inverse_times_the_matrix_is_one, 0, n);
	tcase_add_test(use, the_determinant_is_that_of_the_matrix);
	tcase_add_loop_test(use, products_are_those_of_plain_loops, 0, n);
	tcase_add_loop_test(
	    use, eigenvectors_are_orthonormal_and_only_stretched, 0, n);
	tcase_add_loop_test(use, a_matrix_that_is_not_finite_has_no_eigenvalues,
			    0, 2);
	tcase_add_test(use, an_outer_product_is_added_to_the_lower_triangle);
	tcase_add_test(use, threads_do_not_disturb_each_other);
	suite_add_tcase(s, use);
	return s;
}
