#pragma once

/*
 * Dense matrices of doubles over BLAS and LAPACK, which are seen nowhere else.
 *
 * Matrices are stored by columns: element (i, j) is a[i + j * ld], ld >= rows.
 * Of symmetric matrices and of Cholesky factors only the lower triangle is read
 * and written, unless said otherwise. Dimensions stay below 2^31 and may be 0.
 *
 * Every function may be called by several threads at once. BLAS works in the
 * caller's thread: its own threads would spin on the cores that the trials use.
 * That is a setting of the whole process, made by the first call.
 *
 * On one machine the same numbers give the same result, bit for bit. (With
 * OpenBLAS for processors before AVX2 only if arrays begin at multiples of 16
 * bytes, as malloc's do.) Between machines results differ in the last digits,
 * and so do a factor made at once and one made by chol_append().
 */
#include <stddef.h>

/*
 * Replaces the positive definite matrix A, n x n, by its factor L, A = L L^T.
 * Returns 0, or 1: A is not positive definite, or holds a NaN or an infinity;
 * @a is then spoilt.
 */
int chol_factor(size_t n, double *a, size_t ld);

/*
 * The same for a matrix that may be singular to working precision: factors
 * A + t I, where t is 0 or else the first of 1e-10, 1e-9 .. 1e-3 times the mean
 * of the diagonal with which it succeeds. @ret_jitter gets t. Overwrites the
 * strict upper triangle too and @work [n]. Returns 0, or 1: none is enough.
 */
int chol_factor_jitter(size_t n, double *a, size_t ld, double *work,
		       double *ret_jitter);

/*
 * Extends a factor by @m rows: the first @n columns of @l are the factor of the
 * first @n rows and columns of A, and rows n .. n + m - 1 hold those of A.
 * Takes n^2 m operations. Returns 0, or 1: the larger matrix is not positive
 * definite; the new rows are then spoilt, the factor of the first @n is not.
 */
int chol_append(size_t n, size_t m, double *l, size_t ld);

/* B := L^-1 B, where B is n x m. */
void chol_solve_lower(size_t n, const double *l, size_t ld, size_t m, double *b,
		      size_t ldb);

/* B := L^-T B; after chol_solve_lower(): A^-1 B. */
void chol_solve_upper(size_t n, const double *l, size_t ld, size_t m, double *b,
		      size_t ldb);

/* Replaces the factor of A by the lower triangle of A^-1. */
void chol_inverse(size_t n, double *l, size_t ld);

/* log det A from its factor. */
double chol_log_det(size_t n, const double *l, size_t ld);

/* x^T y */
double dot(size_t n, const double *x, const double *y);

/* @ret [rows] := A x, where A is rows x columns. */
void mat_vec(size_t rows, size_t columns, const double *a, size_t ld,
	     const double *x, double *ret);

/* @ret [columns] := A^T x, where A is rows x columns. */
void mat_t_vec(size_t rows, size_t columns, const double *a, size_t ld,
	       const double *x, double *ret);

/* A := A + s x x^T, where A is symmetric. */
void sym_add_outer(size_t n, double s, const double *x, double *a, size_t ld);

/* The doubles of workspace that eig_sym() wants. */
#define EIG_SYM_WORK(n) (2 * (n) * (n) + 9 * (n) + 3)

/*
 * The eigenvalues of the symmetric A, ascending, to @ret_values [n], and
 * orthonormal eigenvectors to the columns of @a. @work: [EIG_SYM_WORK(n)].
 * Returns 0, or 1: A holds a NaN or an infinity; @a is then spoilt.
 */
int eig_sym(size_t n, double *a, size_t ld, double *ret_values, double *work);
