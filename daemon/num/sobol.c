#include "num/sobol.h"

#include "num/rng.h"
#include "num/sobol_dirs.h"

#include <assert.h>

static unsigned degree(uint32_t axis)
{
	return 31 - (unsigned)__builtin_clz(sobol_polynomials[axis]);
}

/*
 * With the primitive polynomial x^s + a_1 x^(s-1) + ... + a_(s-1) x + 1 and the
 * initial numbers m_1 ... m_s, the columns are v_k = m_k 2^(32-k), and then
 * v_k = a_1 v_(k-1) ^ ... ^ a_(s-1) v_(k-s+1) ^ v_(k-s) ^ (v_(k-s) >> s).
 * All m of the first axis are 1 (van der Corput's sequence).
 */
void sobol_init(struct sobol_axis *a, uint32_t axis)
{
	const uint16_t *m = sobol_initials;
	uint32_t *v = a->column;
	unsigned s;

	assert(axis < SOBOL_AXES);
	s = degree(axis);
	for (uint32_t i = 0; i < axis; i++)
		m += degree(i);
	for (unsigned k = 0; k < SOBOL_BITS; k++) {
		if (axis == 0 || k < s) {
			v[k] = (axis == 0 ? 1u : m[k]) << (31 - k);
			continue;
		}
		v[k] = v[k - s] ^ v[k - s] >> s;
		for (unsigned j = 1; j < s; j++)
			if (sobol_polynomials[axis] >> (s - j) & 1)
				v[k] ^= v[k - j];
	}
	a->shift = 0;
}

/* The product of the bits of a lower triangular matrix and a column. */
static uint32_t multiply(const uint32_t row[SOBOL_BITS], uint32_t column)
{
	uint32_t product = 0;

	for (unsigned k = 0; k < SOBOL_BITS; k++)
		product |= (uint32_t)__builtin_parity(row[k] & column)
			   << (31 - k);
	return product;
}

void sobol_init_scrambled(struct sobol_axis *a, uint32_t axis, uint64_t seed)
{
	uint32_t stream = rng_stream(RNG_SCRAMBLE, axis);
	uint32_t row[SOBOL_BITS];

	sobol_init(a, axis);
	/* Row k: random digits above the diagonal's one, which is kept. */
	for (unsigned k = 0; k < SOBOL_BITS; k++) {
		uint32_t diagonal = UINT32_C(1) << (31 - k);
		uint32_t before = ~(diagonal | (diagonal - 1));

		row[k] =
		    ((uint32_t)rng_bits(seed, stream, k) & before) | diagonal;
	}
	for (unsigned k = 0; k < SOBOL_BITS; k++)
		a->column[k] = multiply(row, a->column[k]);
	a->shift = (uint32_t)rng_bits(seed, stream, SOBOL_BITS);
}

uint32_t sobol_digits(const struct sobol_axis *a, uint32_t i)
{
	uint32_t gray = i ^ i >> 1;
	uint32_t digits = a->shift;

	/* In Gray-code order, as the authors number their points. */
	for (; gray != 0; gray &= gray - 1)
		digits ^= a->column[__builtin_ctz(gray)];
	return digits;
}

double sobol_unit(const struct sobol_axis *a, uint32_t i)
{
	return (sobol_digits(a, i) + 0.5) * 0x1p-32;
}
