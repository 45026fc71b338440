/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One shell function that both shells understand gives the words that may follow; what differs is
 * how a shell asks for them.
 */
#include "ctrl/leatctl/completion.h"

#include <string.h>

#include "ctrl/leatctl/command.h"
#include "ctrl/leatctl/describe.h"

static void values_print(FILE *out, const char *name, const struct field *field)
{
	switch (field->type) {
	case FIELD_BOOL:
		fprintf(out, " %s=true %s=false", name, name);
		break;
	case FIELD_ENUM:
		for (size_t i = 0; field->values[i] != NULL; i++) {
			if (field->values[i][0] != '\0')
				fprintf(out, " %s=%s", name, field->values[i]);
		}
		break;
	case FIELD_UNION:
		for (const struct variant *v = field->variants; v->kind != NULL; v++)
			fprintf(out, " %s=%s", name, v->kind);
		break;
	case FIELD_ID:
		fprintf(out, " %s=%s%s", name, field->refers != NULL ? "@" : "",
			field->refers != NULL ? field->refers : "");
		break;
	default:
		fprintf(out, " %s=", name);
		break;
	}
}

static void field_words(const struct described *d, void *arg)
{
	if (!(d->field->flags & FIELD_LATER))
		values_print(arg, d->name, d->field);
}

static void command_case(const struct command *c, void *arg)
{
	const struct object_schema *params = command_params(c);
	FILE *out = arg;

	if (c->kind == COMMAND_COMPLETION) {
		fprintf(out, "\t\"%s \"*) echo bash zsh ;;\n", c->noun);
		return;
	}
	if (c->kind == COMMAND_EDIT || c->kind == COMMAND_IDS) {
		fprintf(out, "\t\"%s \"*) echo", c->noun);
		for (int type = 0; type < OBJECT_TYPES; type++)
			fprintf(out, " %s", object_type_name(type));
		fputs(" ;;\n", out);
		return;
	}
	if (params == NULL || params->fields[0].name == NULL)
		return;
	fprintf(out, "\t\"%s %s\"*) echo%s", c->noun, c->verb != NULL ? c->verb : "",
		strcmp(c->noun, "apply") == 0 ? " --plan" : "");
	describe_fields(params, field_words, out);
	fputs(" ;;\n", out);
}

struct nouns {
	FILE *out;
	const char *last; /* verbs of one noun stand together */
};

static void noun_word(const struct command *c, void *arg)
{
	struct nouns *nouns = arg;

	if (nouns->last == NULL || strcmp(nouns->last, c->noun) != 0)
		fprintf(nouns->out, " %s", c->noun);
	nouns->last = c->noun;
}

static void verb_case(const struct command *c, void *arg)
{
	struct nouns *nouns = arg;

	if (c->verb == NULL)
		return;
	if (nouns->last == NULL || strcmp(nouns->last, c->noun) != 0) {
		if (nouns->last != NULL)
			fputs(" ;;\n", nouns->out);
		fprintf(nouns->out, "\t\"%s\") echo", c->noun);
	}
	fprintf(nouns->out, " %s", c->verb);
	nouns->last = c->noun;
}

static void id_case(const struct command *c, void *arg)
{
	if (c->verb != NULL && c->field != NULL && strcmp(c->field, "id") == 0)
		fprintf(arg, "\t\"%s %s\") return 0 ;;\n", c->noun, c->verb);
}

/* leatctl_words NOUN VERB: what may come next after them. */
static void words_function(FILE *out)
{
	struct nouns all = {.out = out};
	struct nouns verbs = {.out = out};

	fputs("leatctl_words() {\n\tcase \"$1 $2\" in\n", out);
	command_each(command_case, out);
	fputs("\tesac\n}\n\nleatctl_verbs() {\n\tcase \"$1\" in\n", out);
	command_each(verb_case, &verbs);
	fputs(" ;;\n\tesac\n}\n\nleatctl_nouns() {\n\techo", out);
	command_each(noun_word, &all);
	fputs("\n}\n\nleatctl_takes_id() {\n\tcase \"$1 $2\" in\n", out);
	command_each(id_case, out);
	fputs("\tesac\n\treturn 1\n}\n\n", out);
}

/*
 * From the words so far to the candidates for the next: sets `found`. A word "network=@network" stands for
 * the ids of networks, which are asked for only where `cur` has got as far as that.
 */
static const char candidates_function[] =
	"leatctl_ids() {\n"
	"\tcommand leatctl \"${leatctl_socket[@]}\" -t 2 ids \"$1\" 2>/dev/null\n"
	"}\n\n"
	"leatctl_expand() {\n"
	"\tlocal word name\n"
	"\ttr ' ' '\\n' | while read -r word; do\n"
	"\t\tname=${word%%=@*}=\n"
	"\t\tcase $word in\n"
	"\t\t*=@*)\n"
	"\t\t\tcase $cur in\n"
	"\t\t\t\"$name\"*) leatctl_ids \"${word#*=@}\" | sed \"s|^|$name|\" ;;\n"
	"\t\t\t*) echo \"$name\" ;;\n"
	"\t\t\tesac ;;\n"
	"\t\t*) echo \"$word\" ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"}\n\n"
	"leatctl_candidates() {\n"
	"\tlocal noun= verb= third= skip= word\n"
	"\tlocal -a leatctl_socket\n"
	"\tleatctl_socket=()\n"
	"\tfor word in \"$@\"; do\n"
	"\t\tcase $skip in\n"
	"\t\t-s|--socket) leatctl_socket=(-s \"$word\") skip= ; continue ;;\n"
	"\t\t-*) skip= ; continue ;;\n"
	"\t\tesac\n"
	"\t\tcase $word in\n"
	"\t\t-s|-o|-t|--socket|--owner|--timeout) skip=$word ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) if [ -z \"$noun\" ]; then noun=$word; elif [ -z \"$verb\" ]; then verb=$word; "
	"else third=$word; fi ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif [ -n \"$skip\" ]; then\n"
	"\t\tfound=\n"
	"\telif [ -z \"$noun\" ]; then\n"
	"\t\tfound=\"$(leatctl_nouns) -s -j -o -t --socket --json --owner --timeout --help "
	"--version\"\n"
	"\telif [ \"$noun\" = edit ] && [ -n \"$verb\" ]; then\n"
	"\t\t[ -n \"$third\" ] && found= || found=\"$(leatctl_ids \"$verb\")\"\n"
	"\telif [ -z \"$verb\" ] && [ -n \"$(leatctl_verbs \"$noun\")\" ]; then\n"
	"\t\tfound=\"$(leatctl_verbs \"$noun\") --help\"\n"
	"\telif [ -z \"$third\" ] && leatctl_takes_id \"$noun\" \"$verb\"; then\n"
	"\t\tfound=\"$(leatctl_ids \"$noun\") --help\"\n"
	"\telse\n"
	"\t\tfound=\"$(leatctl_words \"$noun\" \"$verb\" | leatctl_expand) --help\"\n"
	"\tfi\n"
	"}\n\n";

/* Bash breaks words at "=" and ":", so the line is split at blanks here. */
static const char bash_function[] =
	"_leatctl() {\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} found cur break_at\n"
	"\tlocal -a words\n"
	"\tIFS=' ' read -ra words <<<\"$line\"\n"
	"\tcur=${line##* }\n"
	"\t[ -n \"$cur\" ] && unset \"words[-1]\"\n"
	"\tleatctl_candidates \"${words[@]:1}\"\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$found\" -- \"$cur\")\n"
	"\t[ ${#COMPREPLY[@]} -eq 0 ] && mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\tbreak_at=${cur%\"${cur##*[=:]}\"}\n"
	"\tCOMPREPLY=(\"${COMPREPLY[@]#\"$break_at\"}\")\n"
	"\t[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
	"}\n"
	"complete -F _leatctl leatctl\n";

static const char zsh_function[] = "_leatctl() {\n"
				   "\tlocal found cur=${words[CURRENT]}\n"
				   "\tlocal -a ends open\n"
				   "\tleatctl_candidates \"${(@)words[2,CURRENT-1]}\"\n"
				   "\tends=(${${=found}:#*=}) open=(${(M)${=found}:#*=})\n"
				   "\tcompadd -a ends\n"
				   "\tcompadd -S '' -a open\n"
				   "\t[[ -z $found || $found == ' --help' ]] && _files\n"
				   "}\n"
				   "compdef _leatctl leatctl\n";

int completion_print(FILE *out, const char *shell)
{
	bool is_bash = strcmp(shell, "bash") == 0;

	if (!is_bash && strcmp(shell, "zsh") != 0)
		return -1;
	fprintf(out,
		"%s# Completion of leatctl for %s: source it, or put it where the shell looks.\n\n",
		is_bash ? "" : "#compdef leatctl\n", shell);
	words_function(out);
	fputs(candidates_function, out);
	fputs(is_bash ? bash_function : zsh_function, out);
	return 0;
}
