// Refuses mail that shouts, and marks the rest.
#include "plugin-configure.h"
#include "policy.h"

#define NAME "{{name}}"

// Set by `configure`, before any event. What an event leaves in here may be gone at the next.
static struct policy policy = {"X-Seen-By", true};

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
bool exports_tollgate_policy_configure_init(exports_tollgate_policy_configure_list_file_t *files, loaded_t *loaded,
                                            refused_t *refused) {
  char *name = NULL;
  memset(loaded, 0, sizeof *loaded);
  memset(refused, 0, sizeof *refused);
  struct toml_file file = one_file(files, refused, &name);
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
