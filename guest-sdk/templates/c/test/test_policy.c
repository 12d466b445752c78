#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "policy.h"
#include "toml.h"

static void capitals_alone_are_shouting_and_one_small_letter_is_none(void) {
  struct policy policy = {"X-Seen-By", true};
  assert(shouts(&policy, "BUY NOW!") && !shouts(&policy, "Buy NOW!") && !shouts(&policy, "OK") && !shouts(&policy, ""));
}

static void what_is_wrong_with_a_file_has_its_place(void) {
  const char *text = "# Gr\xc3\xbc\xc3\x9f""e\nseen = 'X-A' # x\n[a.\"b c\"]\nlist = ['x', \"y\",\n]\n  on = maybe\n";
  struct toml_file file = toml_read(text, strlen(text));
  assert(file.error && file.line == 6 && file.column == 8 && file.count == 3);
  assert(strcmp(toml_find(&file, "", "seen")->text, "X-A") == 0);
  assert(strcmp(file.entries[1].name, "b c") == 0 && toml_find(&file, "a.b c", "list")->count == 2);
}

int main(void) {
  capitals_alone_are_shouting_and_one_small_letter_is_none();
  what_is_wrong_with_a_file_has_its_place();
  puts("2 tests passed");
}
