// What a plugin in C says of its configuration: findings with their places, and names of which the host has to know.
#ifndef TOLLGATE_PLUGIN_CONFIGURE_H
#define TOLLGATE_PLUGIN_CONFIGURE_H

#include "plugin-texts.h"
#include "toml.h"

typedef exports_tollgate_policy_configure_loaded_t loaded_t;
typedef exports_tollgate_policy_configure_refused_t refused_t;

// Notes an error: file is NULL, and line 0, where it is about none.
static inline void error(refused_t *refused, const char *file, unsigned line, unsigned column, const char *message) {
  exports_tollgate_policy_configure_list_diagnostic_t *list = &refused->diagnostics;
  list->ptr = realloc(list->ptr, (list->len + 1) * sizeof *list->ptr);
  exports_tollgate_policy_configure_diagnostic_t *diagnostic = &list->ptr[list->len++];
  memset(diagnostic, 0, sizeof *diagnostic);
  diagnostic->severity = EXPORTS_TOLLGATE_POLICY_CONFIGURE_SEVERITY_ERROR;
  if (file) diagnostic->file = (plugin_option_string_t){true, copied(file)};
  if (line) diagnostic->line = (plugin_option_u32_t){true, line};
  if (column) diagnostic->column = (plugin_option_u32_t){true, column};
  diagnostic->message = copied(message);
}

// Notes a name of which the host has to know.
static inline void refer(exports_tollgate_policy_configure_list_reference_t *list,
                         exports_tollgate_policy_configure_reference_kind_t kind, const char *name, const char *file,
                         const struct toml_entry *at) {
  list->ptr = realloc(list->ptr, (list->len + 1) * sizeof *list->ptr);
  list->ptr[list->len++] =
      (exports_tollgate_policy_configure_reference_t){kind, copied(name), copied(file), at->line, at->column};
}

// Reads the one file of a plugin, and keeps its name. Where there is not one, or it is no TOML, that is noted.
static inline struct toml_file one_file(exports_tollgate_policy_configure_list_file_t *files, refused_t *refused,
                                        char **name) {
  if (files->len != 1) {
    char count[2] = {files->len < 10 ? (char)('0' + files->len) : '+', 0};
    error(refused, NULL, 0, 0, joined("this plugin takes one file, config = [\"FILE\"], and got ", count, ""));
    return (struct toml_file){0};
  }
  *name = taken(&files->ptr[0].name);
  struct toml_file file = toml_read((const char *)files->ptr[0].content.ptr, files->ptr[0].content.len);
  if (file.error) error(refused, *name, file.line, file.column, file.error);
  return file;
}

#endif
