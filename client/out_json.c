#include "out.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <stdlib.h>

static void on_answer(struct out *o, const cJSON *result)
{
	auto_free char *text = json_print(result);

	fprintf(o->file, "%s\n", text);
}

static void on_table(struct out *o, const struct out_column *columns,
		     const cJSON *rows, bool on)
{
	(void)o;
	(void)columns;
	(void)rows;
	(void)on;
}

static void on_record(struct out *o, const struct out_column *columns,
		      const cJSON *object)
{
	(void)o;
	(void)columns;
	(void)object;
}

static void on_text(struct out *o, const char *text)
{
	(void)o;
	(void)text;
}

const struct out_ops out_json_ops = {
	.answer = on_answer,
	.table = on_table,
	.record = on_record,
	.text = on_text,
	.hint = on_text,
};
