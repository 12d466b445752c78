// The tenant out of a header field, checked: what the Rust example of this name does, in C.
#include "plugin-configure.h"

#define NO_NAME "a tenant's name is up to 64 letters, digits, '-', '_' and '.'"

static const char *header = "X-Tenant", *unknown = "reject", *default_tenant;
static bool remove_it = true;
static struct toml_file file;

static bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static bool is_name(const char *text) {
  size_t length = strlen(text);
  for (size_t n = 0; n < length; n += 1) {
    if (!is_plain(text[n])) return false;
  }
  return length >= 1 && length <= 64;
}

static bool is_field_name(const char *text) {
  for (const char *at = text; *at; at += 1) {
    if (*at <= ' ' || *at > '~' || *at == ':') return false;
  }
  return *text != 0;
}

static bool is_tenant(const char *name) {
  for (size_t n = 0; n < file.count; n += 1) {
    const struct toml_entry *entry = &file.entries[n];
    bool found = entry->kind == TOML_TABLE && strcmp(entry->table, "tenant") == 0 && strcmp(entry->name, name) == 0;
    if (found) return true;
  }
  return false;
}

// Returns who may send as a tenant, or NULL where that is every session that may relay.
static const struct toml_entry *allowed(const char *tenant) {
  return toml_find(&file, joined("tenant.", tenant, ""), "require_authz");
}

static bool is_key(const struct toml_entry *entry, const char *name, enum toml_kind kind) {
  return entry->table[0] == 0 && entry->kind == kind && strcmp(entry->name, name) == 0;
}

// Reads one entry of the file; what is wrong with it goes to `refused`, what the host has to know to `loaded`.
static void read_entry(loaded_t *loaded, refused_t *refused, const char *name, const struct toml_entry *entry) {
  bool of_tenant = strncmp(entry->table, "tenant.", 7) == 0;
  if (is_key(entry, "header", TOML_TEXT)) {
    header = entry->text;
  } else if (is_key(entry, "unknown", TOML_TEXT)) {
    unknown = entry->text;
  } else if (is_key(entry, "default_tenant", TOML_TEXT)) {
    default_tenant = entry->text;
  } else if (is_key(entry, "remove", TOML_FLAG)) {
    remove_it = entry->flag;
  } else if (entry->kind == TOML_TABLE && strcmp(entry->table, "tenant") == 0) {
    if (!is_name(entry->name)) error(refused, name, entry->line, entry->column, NO_NAME);
  } else if (of_tenant && entry->kind == TOML_LIST && strcmp(entry->name, "require_authz") == 0) {
    refer(&loaded->references, EXPORTS_TOLLGATE_POLICY_CONFIGURE_REFERENCE_KIND_GUARDED_TENANT, entry->table + 7, name,
          entry);
  } else {
    const char *where = of_tenant ? "` is not an option of a tenant, or has another type; there is require_authz"
                                  : "` is not known in this file, or has another type";
    error(refused, name, entry->line, entry->column, joined("`", entry->name, where));
  }
}

static void check_entry(refused_t *refused, const char *name, const struct toml_entry *entry) {
  const char *message = NULL;
  if (is_key(entry, "header", TOML_TEXT) && !is_field_name(header)) {
    message = joined("header: '", header, "' is not the name of a header field");
  } else if (is_key(entry, "unknown", TOML_TEXT)) {
    bool is_default = strcmp(unknown, "default") == 0;
    if (!is_default && strcmp(unknown, "reject") != 0) {
      message = joined("unknown: '", unknown, "' is neither \"reject\" nor \"default\"");
    } else if (is_default && !default_tenant) {
      message = "unknown: \"default\" needs a `default_tenant`";
    }
  } else if (is_key(entry, "default_tenant", TOML_TEXT) && !is_tenant(default_tenant)) {
    message = joined("`", default_tenant, "` is not a tenant of this file");
  }
  if (message) error(refused, name, entry->line, entry->column, message);
}

bool exports_tollgate_policy_configure_init(exports_tollgate_policy_configure_list_file_t *files, loaded_t *loaded,
                                            refused_t *refused) {
  char *name = NULL;
  memset(loaded, 0, sizeof *loaded);
  memset(refused, 0, sizeof *refused);
  file = one_file(files, refused, &name);
  for (size_t n = 0; n < file.count; n += 1) read_entry(loaded, refused, name, &file.entries[n]);
  for (size_t n = 0; n < file.count; n += 1) check_entry(refused, name, &file.entries[n]);
  if (refused->diagnostics.len == 0) return true;
  refused->references = loaded->references;
  return false;
}

// Returns what is wrong with the values of the header; `name` is the tenant that they name, NULL where they are blank.
static const char *named(plugin_list_string_t *said, char **name) {
  *name = NULL;
  for (size_t n = 0; n < said->len; n += 1) {
    char *value = taken(&said->ptr[n]);
    if (*value == 0) {
      free(value);
    } else if (!*name) {
      *name = value;
    } else if (strcmp(value, *name) != 0) {
      return joined(header, ": several fields name different tenants", "");
    }
  }
  if (!*name) return NULL;
  if (!is_name(*name)) return joined(header, ": ", NO_NAME);
  if (!is_tenant(*name)) return joined(joined(header, ": there is no tenant '", ""), *name, "' here");
  return NULL;
}

// Returns why a message is refused, or NULL; `tenant` is the one that it gets, NULL where it stays as it is.
static const char *decide(plugin_list_string_t *said, const char *earlier, const char *authz_id, const char **tenant) {
  char *name;
  const char *wrong = named(said, &name);
  *tenant = NULL;
  if (wrong && strcmp(unknown, "default") != 0) return wrong;
  if (wrong) name = NULL;
  if (earlier) {
    bool differs = name && strcmp(name, earlier) != 0;
    return differs ? joined(joined(header, ": this mail is not of tenant '", ""), name, "'") : NULL;
  }
  *tenant = name ? name : default_tenant;
  const struct toml_entry *list = *tenant ? allowed(*tenant) : NULL;
  for (size_t n = 0; list && n < list->count; n += 1) {
    if (authz_id && strcmp(list->list[n], authz_id) == 0) return NULL;
  }
  return list ? joined("you are not authorized to send as tenant '", *tenant, "'") : NULL;
}

// Returns a text that may be there and says something, else NULL.
static const char *present(bool is_there, plugin_string_t *from) {
  if (!is_there) return NULL;
  const char *text = taken(from);
  return text[strspn(text, " \t\r\n")] ? text : NULL;
}

// What is taken for an event goes with its instance: a tenant's has one for each, and others are replaced in time.
bool exports_tollgate_policy_message_received_message_received(
    exports_tollgate_policy_message_received_borrow_message_t message,
    exports_tollgate_policy_message_received_verdict_t *verdict,
    exports_tollgate_policy_message_received_reply_t *reply) {
  plugin_string_t name = text(header), key = text("tenant"), set, id;
  plugin_list_string_t said = {0};
  bool believed = tollgate_policy_message_method_message_may_relay(message);
  if (believed) tollgate_policy_message_method_message_all_headers(message, &name, &said);
  if (remove_it || !believed) tollgate_policy_message_method_message_remove_header(message, &name);
  const char *earlier = present(tollgate_policy_message_method_message_get_meta(message, &key, &set), &set);
  const char *authz_id = present(tollgate_policy_message_method_message_authz_id(message, &id), &id), *tenant;
  const char *wrong = decide(&said, earlier, authz_id, &tenant);
  if (wrong) {
    *reply = reject("5.7.1", wrong);
    return false;
  }
  tollgate_policy_message_policy_error_t error;
  plugin_string_t value = text(tenant ? tenant : "");
  if (tenant && !tollgate_policy_message_method_message_set_meta(message, &key, &value, &error)) {
    *reply = reject("5.3.5", "the tenant cannot be set");
    return false;
  }
  verdict->tag = EXPORTS_TOLLGATE_POLICY_MESSAGE_RECEIVED_VERDICT_ACCEPT;
  return true;
}
