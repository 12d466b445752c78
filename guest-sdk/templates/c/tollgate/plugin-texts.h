// What plugins in C need around the generated bindings (build/bindings/plugin.h): texts, replies, diagnostics.
// A text that is returned to the host is freed after it was read, so it is always a copy.
#ifndef TOLLGATE_PLUGIN_TEXTS_H
#define TOLLGATE_PLUGIN_TEXTS_H

#include <stdlib.h>
#include <string.h>

#include "plugin.h"

// Returns a text of ours for the host to read during a call; it is not copied.
static inline plugin_string_t text(const char *text) {
  return (plugin_string_t){(uint8_t *)text, strlen(text)};
}

// Returns a copy of a text, to return to the host.
static inline plugin_string_t copied(const char *text) {
  plugin_string_t copy;
  plugin_string_dup(&copy, text);
  return copy;
}

// Returns three texts as one. The standard library's printf is not for plugins: it wants files, which no host offers.
static inline char *joined(const char *first, const char *second, const char *third) {
  size_t a = strlen(first), b = strlen(second), c = strlen(third);
  char *text = malloc(a + b + c + 1);
  memcpy(text, first, a);
  memcpy(text + a, second, b);
  memcpy(text + a + b, third, c + 1);
  return text;
}

// Returns a text of the host's as one that ends with NUL. The host's is freed.
static inline char *taken(plugin_string_t *from) {
  char *text = malloc(from->len + 1);
  if (from->len > 0) memcpy(text, from->ptr, from->len);
  text[from->len] = 0;
  plugin_string_free(from);
  return text;
}

// Returns a permanent refusal, 550; enhanced is a code such as "5.7.1".
static inline tollgate_policy_types_reply_t reject(const char *enhanced, const char *words) {
  return (tollgate_policy_types_reply_t){550, {true, copied(enhanced)}, copied(words)};
}

#endif
