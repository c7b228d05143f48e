#pragma once

/* A text file inside the program; made by schema/embed.py. */
struct embedded {
	const char *name; /* of the file, without folders */
	const char *text;
};
