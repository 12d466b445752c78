// Refuses mail that shouts, and marks the rest.
#include "plugin-texts.h"
#include "policy.h"
#include "toml.h"

#define NAME "{{name}}"

// Set by `configure`, before any event. What an event leaves in here may be gone at the next.
static struct policy policy = {"X-Seen-By", true};

typedef exports_tollgate_policy_configure_refused_t refused_t;

static void error(refused_t *refused, const char *file, unsigned line, unsigned column, const char *message) {
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

static void read_entry(refused_t *refused, const char *name, const struct toml_entry *entry) {
  bool top = entry->kind != TOML_TABLE && entry->table[0] == 0;
  if (top && strcmp(entry->name, "seen") == 0 && entry->kind == TOML_TEXT) {
    policy.seen = entry->text;
  } else if (top && strcmp(entry->name, "refuse_shouting") == 0 && entry->kind == TOML_FLAG) {
    policy.refuse_shouting = entry->flag;
  } else {
    const char *known = "` is no key of this file, or has another type; there are seen and refuse_shouting";
    error(refused, name, entry->line, entry->column, joined("`", entry->name, known));
  }
}

// Takes the files that the operator gave, or says all that is wrong with them at once.
bool exports_tollgate_policy_configure_init(exports_tollgate_policy_configure_list_file_t *files,
                                            exports_tollgate_policy_configure_loaded_t *loaded, refused_t *refused) {
  memset(loaded, 0, sizeof *loaded);
  memset(refused, 0, sizeof *refused);
  if (files->len != 1) {
    error(refused, NULL, 0, 0, "this plugin takes one file");
    return false;
  }
  char *name = taken(&files->ptr[0].name);
  struct toml_file file = toml_read((const char *)files->ptr[0].content.ptr, files->ptr[0].content.len);
  if (file.error) error(refused, name, file.line, file.column, file.error);
  for (size_t n = 0; n < file.count; n += 1) read_entry(refused, name, &file.entries[n]);
  return refused->diagnostics.len == 0;
}

// Judges a message: true with a verdict, false with the refusal that the sender reads.
bool exports_tollgate_policy_message_received_message_received(
    exports_tollgate_policy_message_received_borrow_message_t message,
    exports_tollgate_policy_message_received_verdict_t *verdict,
    exports_tollgate_policy_message_received_reply_t *reply) {
  plugin_string_t field = text("Subject"), name = text(policy.seen), value = text(NAME), found;
  char *subject = NULL;
  if (tollgate_policy_message_method_message_first_header(message, &field, &found)) subject = taken(&found);
  bool refused = subject && shouts(&policy, subject);
  free(subject);
  if (refused) {
    *reply = reject("5.7.1", "please do not shout");
    return false;
  }
  tollgate_policy_message_policy_error_t error;
  if (!tollgate_policy_message_method_message_add_header(message, &name, &value, &error)) {
    // The field's name comes from the file, and may be none.
    tollgate_policy_types_policy_error_free(&error);
    *reply = reject("5.3.5", "wrong configuration");
    return false;
  }
  verdict->tag = EXPORTS_TOLLGATE_POLICY_MESSAGE_RECEIVED_VERDICT_ACCEPT;
  return true;
}
