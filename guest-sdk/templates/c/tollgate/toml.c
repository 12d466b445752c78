#include "toml.h"

#include <stdlib.h>
#include <string.h>

struct reader {
  const unsigned char *at, *end;
  unsigned line, column;
  struct toml_file file;
};

static bool fail(struct reader *r, const char *error) {
  if (!r->file.error) {
    r->file.error = error;
    r->file.line = r->line;
    r->file.column = r->column;
  }
  return false;
}

static int peek(const struct reader *r) { return r->at < r->end ? *r->at : -1; }

static void step(struct reader *r) {
  if (r->at >= r->end) return;
  if (*r->at == '\n') {
    r->line += 1;
    r->column = 1;
  } else if ((*r->at & 0xc0) != 0x80) {  // the octets behind the first of a character are no columns
    r->column += 1;
  }
  r->at += 1;
}

static void blanks(struct reader *r, bool lines) {
  for (;;) {
    int c = peek(r);
    if (c == '#') {
      while (peek(r) != '\n' && peek(r) >= 0) step(r);
    } else if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n')) {
      step(r);
    } else {
      return;
    }
  }
}

static bool is_bare(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool utf8(const unsigned char *at, const unsigned char *end) {
  while (at < end) {
    int more = *at < 0x80 ? 0 : (*at >= 0xc2 && *at < 0xe0) ? 1 : (*at & 0xf0) == 0xe0 ? 2 : (*at >= 0xf0 && *at < 0xf5) ? 3 : -1;
    if (more < 0 || end - at <= more) return false;
    if (*at == 0xe0 && at[1] < 0xa0) return false;
    if (*at == 0xed && at[1] > 0x9f) return false;
    if (*at == 0xf0 && at[1] < 0x90) return false;
    if (*at == 0xf4 && at[1] > 0x8f) return false;
    for (at += 1; more > 0; more -= 1, at += 1) {
      if ((*at & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

// A text in quotes: "…" with \" \\ \n \t, or '…' as it stands.
static char *quoted(struct reader *r) {
  int quote = peek(r);
  char *text = malloc((size_t)(r->end - r->at) + 1), *to = text;
  step(r);
  while (peek(r) != quote) {
    int c = peek(r);
    if (c < 0 || c == '\n' || c == 0) {
      fail(r, "a text ends with its quote, on the same line");
      return NULL;
    }
    step(r);
    if (c == '\\' && quote == '"') {
      int escaped = peek(r);
      c = escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
      if (!strchr("\"\\nt", escaped) || escaped <= 0) {
        fail(r, "of escapes there are \\\", \\\\, \\n and \\t");
        return NULL;
      }
      step(r);
    }
    *to++ = (char)c;
  }
  step(r);
  *to = 0;
  return realloc(text, (size_t)(to - text) + 1);
}

static char *key(struct reader *r) {
  int c = peek(r);
  if (c == '"' || c == '\'') return quoted(r);
  const unsigned char *from = r->at;
  while (is_bare(peek(r))) step(r);
  size_t length = (size_t)(r->at - from);
  if (length == 0) {
    fail(r, "expected a key");
    return NULL;
  }
  char *text = malloc(length + 1);
  memcpy(text, from, length);
  text[length] = 0;
  return text;
}

static bool list(struct reader *r, struct toml_entry *entry) {
  entry->kind = TOML_LIST;
  step(r);
  for (size_t room = 0;;) {
    blanks(r, true);
    if (peek(r) == ']') {
      step(r);
      return true;
    }
    if (peek(r) != '"' && peek(r) != '\'') return fail(r, "a list holds texts");
    if (entry->count == room) {
      room = room ? room * 2 : 4;
      entry->list = realloc(entry->list, room * sizeof *entry->list);
    }
    if (!(entry->list[entry->count] = quoted(r))) return false;
    entry->count += 1;
    blanks(r, true);
    if (peek(r) == ',') {
      step(r);
    } else if (peek(r) != ']') {
      return fail(r, "expected a comma or the end of the list");
    }
  }
}

static bool word(struct reader *r, const char *expected) {
  size_t length = strlen(expected);
  if ((size_t)(r->end - r->at) < length || memcmp(r->at, expected, length) != 0) return false;
  for (; length > 0; length -= 1) step(r);
  return true;
}

static bool value(struct reader *r, struct toml_entry *entry) {
  int c = peek(r);
  if (c == '"' || c == '\'') {
    entry->kind = TOML_TEXT;
    return (entry->text = quoted(r)) != NULL;
  }
  if (c == '[') return list(r, entry);
  if (word(r, "true")) {
    entry->kind = TOML_FLAG;
    entry->flag = true;
    return true;
  }
  if (word(r, "false")) {
    entry->kind = TOML_FLAG;
    return true;
  }
  entry->kind = TOML_NUMBER;
  if (c < '0' || c > '9') return fail(r, "expected a text in quotes, true, false, a whole number or a list of texts");
  while ((c = peek(r)) >= '0' && c <= '9') {
    if (entry->number > 900000000000000000LL) return fail(r, "the number is too large");
    entry->number = entry->number * 10 + (c - '0');
    step(r);
  }
  return true;
}

static bool add(struct reader *r, struct toml_entry entry, size_t *room) {
  for (size_t n = 0; n < r->file.count; n += 1) {
    const struct toml_entry *known = &r->file.entries[n];
    bool same = strcmp(known->table, entry.table) == 0 && strcmp(known->name, entry.name) == 0;
    if (same && (known->kind == TOML_TABLE) == (entry.kind == TOML_TABLE)) {
      r->line = entry.line;
      r->column = entry.column;
      return fail(r, "this is here twice");
    }
  }
  if (r->file.count == *room) {
    *room = *room ? *room * 2 : 16;
    r->file.entries = realloc(r->file.entries, *room * sizeof *r->file.entries);
  }
  r->file.entries[r->file.count++] = entry;
  return true;
}

// [a.b]: returns the whole name; `parent` is all but the last part, `name` that part.
static char *header(struct reader *r, char **parent, char **name) {
  char *whole = calloc(1, 1);
  *parent = calloc(1, 1);
  step(r);
  for (;;) {
    blanks(r, false);
    if (!(*name = key(r))) return NULL;
    free(*parent);
    *parent = strdup(whole);
    size_t length = strlen(whole), more = strlen(*name);
    if (length + more > 1024) return fail(r, "the name of the table is too long"), NULL;
    whole = realloc(whole, length + more + 2);
    if (length > 0) whole[length++] = '.';
    memcpy(whole + length, *name, more + 1);
    blanks(r, false);
    if (peek(r) == ']') {
      step(r);
      return whole;
    }
    if (peek(r) != '.') return fail(r, "expected a dot or ]"), NULL;
    step(r);
  }
}

static bool line(struct reader *r, char **table, size_t *room) {
  struct toml_entry entry = {.table = *table, .line = r->line, .column = r->column};
  if (peek(r) == '[') {
    char *parent, *name;
    if (r->at + 1 < r->end && r->at[1] == '[') return fail(r, "lists of tables are not known here");
    if (!(*table = header(r, &parent, &name))) return false;
    entry.kind = TOML_TABLE;
    entry.table = parent;
    entry.name = name;
  } else {
    if (!(entry.name = key(r))) return false;
    blanks(r, false);
    if (peek(r) == '.') return fail(r, "write a table's header in place of a key with dots");
    if (peek(r) != '=') return fail(r, "expected = and a value");
    step(r);
    blanks(r, false);
    if (!value(r, &entry)) return false;
  }
  if (!add(r, entry, room)) return false;
  blanks(r, false);
  return peek(r) == '\n' || peek(r) < 0 || fail(r, "expected the end of the line");
}

struct toml_file toml_read(const char *octets, size_t length) {
  const unsigned char *from = (const unsigned char *)octets;
  struct reader r = {.at = from, .end = from + length, .line = 1, .column = 1};
  char *table = calloc(1, 1);
  size_t room = 0;
  if (length >= 3 && memcmp(from, "\xef\xbb\xbf", 3) == 0) r.at += 3;
  if (!utf8(r.at, r.end)) {
    fail(&r, "the file is not UTF-8");
    return r.file;
  }
  for (;;) {
    blanks(&r, true);
    if (peek(&r) < 0 || !line(&r, &table, &room)) return r.file;
  }
}

const struct toml_entry *toml_find(const struct toml_file *file, const char *table, const char *name) {
  for (size_t n = 0; n < file->count; n += 1) {
    const struct toml_entry *entry = &file->entries[n];
    if (entry->kind != TOML_TABLE && strcmp(entry->table, table) == 0 && strcmp(entry->name, name) == 0) return entry;
  }
  return NULL;
}
