// Reads as much of TOML as policies need: tables, keys, texts, true and false, whole numbers, lists of texts, comments.
// Everything has its place, from 1; columns count characters. Memory is taken and never given back: a file is read once.
#ifndef TOLLGATE_TOML_H
#define TOLLGATE_TOML_H

#include <stdbool.h>
#include <stddef.h>

enum toml_kind { TOML_TABLE, TOML_TEXT, TOML_FLAG, TOML_NUMBER, TOML_LIST };

// A table's header, or a key with its value.
struct toml_entry {
  enum toml_kind kind;
  const char *table;  // the table that it stands in: "" at the top, else its name as in [a.b], parts joined by '.'
  const char *name;   // the last part of a table's name, or the key
  const char *text;   // of TOML_TEXT
  bool flag;          // of TOML_FLAG
  long long number;   // of TOML_NUMBER
  const char **list;  // of TOML_LIST, `count` texts
  size_t count;
  unsigned line, column;
};

struct toml_file {
  struct toml_entry *entries;
  size_t count;
  const char *error;  // what is wrong with the file; NULL where nothing is
  unsigned line, column;
};

struct toml_file toml_read(const char *octets, size_t length);

// Returns the entry of a key in a table, or NULL.
const struct toml_entry *toml_find(const struct toml_file *file, const char *table, const char *key);

#endif
