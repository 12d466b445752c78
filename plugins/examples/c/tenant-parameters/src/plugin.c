// Parameters of queues, global ones and a tenant's own over them: what the Rust example of this name does, in C.
#include "plugin-configure.h"

static struct toml_file file;
static char *file_name;

typedef tollgate_policy_queue_settings_borrow_queue_config_t settings_t;
typedef tollgate_policy_queue_settings_policy_error_t policy_error_t;

static const struct {
  const char *words;
  uint64_t ms;
} UNITS[] = {
    {" ms ", 1},
    {" s sec secs second seconds ", 1000},
    {" m min mins minute minutes ", 60000},
    {" h hr hrs hour hours ", 3600000},
    {" d day days ", 86400000},
    {" w week weeks ", 604800000},
};

// Returns the milliseconds of a unit's word, 0 where it is none.
static uint64_t unit(const char *word, size_t length) {
  char padded[16] = " ";
  if (length == 0 || length > 12) return 0;
  memcpy(padded + 1, word, length);
  strcpy(padded + 1 + length, " ");
  for (size_t n = 0; n < sizeof UNITS / sizeof *UNITS; n += 1) {
    if (strstr(UNITS[n].words, padded)) return UNITS[n].ms;
  }
  return 0;
}

static size_t digits(const char *text, const char *ignored, uint64_t *number) {
  size_t n = 0;
  for (*number = 0; (text[n] >= '0' && text[n] <= '9') || (text[n] && strchr(ignored, text[n])); n += 1) {
    if (*number > 1000000000000) return 0;
    if (text[n] >= '0' && text[n] <= '9') *number = *number * 10 + (uint64_t)(text[n] - '0');
  }
  return n;
}

// Reads `20 minutes`, `2h 30m`; returns what is wrong with it.
static const char *duration(const char *text, uint64_t *ms) {
  const char *at = text + strspn(text, " "), *wrong = joined("'", text, "' is not a duration such as '20 minutes' or '2h 30m'");
  if (!*at) return wrong;
  for (*ms = 0; *at; at += strspn(at, " ")) {
    uint64_t number;
    size_t length = digits(at, "", &number);
    if (length == 0) return wrong;
    at += length + strspn(at + length, " ");
    length = strspn(at, "abcdefghijklmnopqrstuvwxyz");
    uint64_t each = unit(at, length);
    if (!each) return wrong;
    *ms += number * each;
    at += length;
  }
  return NULL;
}

static const char *interval(const char *text, uint64_t *ms) {
  const char *wrong = duration(text, ms);
  if (wrong) return wrong;
  // The host takes none under a second, and the place to say so is the file.
  return *ms < 1000 ? "attempts are at least 1 second apart" : NULL;
}

// Reads `100/s`, `1,000/hour`; returns what is wrong with it.
static const char *rate(const char *text, tollgate_policy_types_rate_t *rate) {
  memset(rate, 0, sizeof *rate);
  size_t length = digits(text, ",_", &rate->limit);
  bool is_rate = length > 0 && rate->limit > 0 && text[length] == '/';
  rate->period_ms = is_rate ? unit(text + length + 1, strlen(text + length + 1)) : 0;
  return rate->period_ms >= 1000 ? NULL : joined("'", text, "' is not a rate such as '100/s'");
}

// Puts one option into settings, or only reads it where there are none; returns what is wrong with it.
static const char *put(const struct toml_entry *entry, const settings_t *settings, plugin_string_t *origin) {
  tollgate_policy_types_rate_t a_rate;
  policy_error_t refused;
  uint64_t ms = 0;
  plugin_string_t value = text(entry->text);
  const char *wrong = NULL, *name = entry->name;
  bool done = true;
  if (strcmp(name, "max_age") == 0) {
    wrong = duration(entry->text, &ms);
    if (!wrong && settings) done = tollgate_policy_queue_settings_method_queue_config_set_max_age(*settings, ms, origin, &refused);
  } else if (strcmp(name, "retry_interval") == 0) {
    wrong = interval(entry->text, &ms);
    if (!wrong && settings) done = tollgate_policy_queue_settings_method_queue_config_set_retry_interval(*settings, ms, origin, &refused);
  } else if (strcmp(name, "max_retry_interval") == 0) {
    wrong = interval(entry->text, &ms);
    if (!wrong && settings) done = tollgate_policy_queue_settings_method_queue_config_set_max_retry_interval(*settings, ms, origin, &refused);
  } else if (strcmp(name, "max_message_rate") == 0) {
    wrong = rate(entry->text, &a_rate);
    if (!wrong && settings) done = tollgate_policy_queue_settings_method_queue_config_set_max_message_rate(*settings, &a_rate, origin, &refused);
  } else if (settings) {
    done = tollgate_policy_queue_settings_method_queue_config_set_egress_pool(*settings, &value, origin, &refused);
  }
  return done ? wrong : "the host does not take it";
}

static bool is_option(const char *name) {
  return strstr(" max_age retry_interval max_retry_interval max_message_rate egress_pool ", joined(" ", name, " ")) != NULL;
}

static void read_entry(loaded_t *loaded, refused_t *refused, const struct toml_entry *entry) {
  bool of_params = strcmp(entry->table, "params") == 0 || strncmp(entry->table, "tenant_params.", 14) == 0;
  const char *message = NULL;
  if (entry->kind == TOML_TABLE) {
    bool top = entry->table[0] == 0 && (strcmp(entry->name, "params") == 0 || strcmp(entry->name, "tenant_params") == 0);
    if (!top && strcmp(entry->table, "tenant_params") != 0) message = joined("`", entry->name, "` is not known in this file");
  } else if (!of_params || !is_option(entry->name)) {
    message = joined("`", entry->name, "` is not an option of parameters");
  } else if (entry->kind != TOML_TEXT) {
    message = joined(entry->name, ": expected text", "");
  } else {
    const char *wrong = put(entry, NULL, NULL);
    if (wrong) message = joined(joined(entry->name, ": ", ""), wrong, "");
    if (strcmp(entry->name, "egress_pool") == 0) {
      refer(&loaded->references, EXPORTS_TOLLGATE_POLICY_CONFIGURE_REFERENCE_KIND_EGRESS_POOL, entry->text, file_name, entry);
    }
  }
  if (message) error(refused, file_name, entry->line, entry->column, message);
}

bool exports_tollgate_policy_configure_init(exports_tollgate_policy_configure_list_file_t *files, loaded_t *loaded,
                                            refused_t *refused) {
  memset(loaded, 0, sizeof *loaded);
  memset(refused, 0, sizeof *refused);
  file = one_file(files, refused, &file_name);
  for (size_t n = 0; n < file.count; n += 1) read_entry(loaded, refused, &file.entries[n]);
  if (refused->diagnostics.len == 0) return true;
  refused->references = loaded->references;
  return false;
}

// Returns `params.toml:3`, for people.
static char *origin_of(const struct toml_entry *entry) {
  char number[12], *at = number + sizeof number - 1;
  unsigned line = entry->line;
  *at = 0;
  do *--at = (char)('0' + line % 10);
  while (line /= 10);
  return joined(file_name, ":", at);
}

static void put_table(const char *table, settings_t settings) {
  for (size_t n = 0; n < file.count; n += 1) {
    const struct toml_entry *entry = &file.entries[n];
    if (entry->kind == TOML_TABLE || strcmp(entry->table, table) != 0) continue;
    char *origin = origin_of(entry);
    plugin_string_t where = text(origin);
    put(entry, &settings, &where);
    free(origin);
  }
}

bool exports_tollgate_policy_queue_config_get_queue_config(
    exports_tollgate_policy_queue_config_queue_name_t *name, exports_tollgate_policy_queue_config_borrow_settings_t so_far,
    exports_tollgate_policy_queue_config_option_own_settings_t *answer,
    exports_tollgate_policy_queue_config_policy_error_t *refused) {
  (void)so_far;
  (void)refused;
  answer->is_some = true;
  answer->val = tollgate_policy_queue_settings_constructor_queue_config();
  settings_t settings = tollgate_policy_queue_settings_borrow_queue_config(answer->val);
  put_table("params", settings);
  if (name->tenant.is_some) {
    char *tenant = taken(&name->tenant.val), *table = joined("tenant_params.", tenant, "");
    name->tenant.is_some = false;
    put_table(table, settings);
    free(tenant);
    free(table);
  }
  return true;
}
