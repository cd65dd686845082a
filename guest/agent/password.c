// SPDX-License-Identifier: GPL-2.0-or-later
/* Set a password as passwd(1) does: change a line of /etc/shadow (shadow(5)). */
#include "agent.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHADOW     "/etc/shadow"
#define SHADOW_MAX 65536
#define METHOD     "$6$" /* SHA-512: yescrypt takes seconds under emulation */

static char *read_shadow(struct stat *status)
{
	FILE *file = fopen(SHADOW, "re");
	char *text = file && fstat(fileno(file), status) == 0 ? calloc(1, SHADOW_MAX) : NULL;
	if (text && fread(text, 1, SHADOW_MAX - 1, file) == SHADOW_MAX - 1) {
		free(text);
		text = NULL;
		errno = EFBIG;
	}
	if (file)
		fclose(file);
	return text;
}

/* Return the password field in the line of `user`: it starts after `user:` and ends at a colon. */
static char *find_field(char *text, const char *user)
{
	size_t length = strlen(user);
	for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL)
		if (strncmp(line, user, length) == 0 && line[length] == ':')
			return line + length + 1;
	errno = ENOENT;
	return NULL;
}

static int replace(char *text, const struct stat *status, char *field, const char *hash)
{
	char changed[SHADOW_MAX + CRYPT_OUTPUT_SIZE];
	size_t end = strcspn(field, ":\n");
	int length = snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(field - text), text, hash,
			      field + end);
	return apply_file(status->st_mode & 07777, status->st_uid, status->st_gid, SHADOW, changed,
			  (size_t)length);
}

int apply_password(const char *user, const char *password)
{
	struct stat status;
	struct crypt_data data = {.initialized = 0};
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	char *text = read_shadow(&status);
	char *field = text ? find_field(text, user) : NULL;
	int failed = -1;
	if (field && crypt_gensalt_rn(METHOD, 0, NULL, 0, salt, sizeof(salt)) &&
	    crypt_rn(password, salt, &data, sizeof(data)))
		failed = replace(text, &status, field, data.output);
	int error = errno;
	free(text);
	errno = error;
	return failed;
}
