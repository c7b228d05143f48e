#include "why/exam.h"

#include "schema/json.h"

#include <math.h>
#include <stdio.h>

double exam_ramp(double v, double begins, double clear)
{
	double x = fmin(1, fmax(0, (v - begins) / (clear - begins)));

	return round(100 * (0.3 + 0.7 * x)) / 100;
}

struct symptom *exam_add(struct exam *e, enum symptom_kind kind, double weight,
			 double strength, int64_t step)
{
	struct symptom *f = &e->found->list[e->found->n];

	e->weights[e->found->n++] = weight;
	*f = (struct symptom){ .kind = kind,
			       .strength = strength,
			       .step = step,
			       .data = cJSON_CreateObject() };
	return f;
}

const char *exam_value_text(const struct measure *m, double cost,
			    char buf[EXAM_VALUE_BYTES])
{
	(void)snprintf(buf, EXAM_VALUE_BYTES, "%.4g",
		       trend_value(&m->trend, cost));
	return buf;
}

void exam_add_value(struct symptom *f, const char *name,
		    const struct measure *m, double cost)
{
	json_add_number(f->data, name, trend_value(&m->trend, cost));
}

void exam_add_ends(struct symptom *f, const struct measure *m)
{
	exam_add_value(f, "first", m, m->first);
	exam_add_value(f, "best", m, m->lowest);
	exam_add_value(f, "last", m, m->trend.last);
}

bool exam_improves(const struct measure *m, double part)
{
	return m != NULL && m->fall > 0.02 &&
	       m->end - m->best < 0.25 * (m->first - m->best) &&
	       m->late > part && m->late_t < -3;
}
