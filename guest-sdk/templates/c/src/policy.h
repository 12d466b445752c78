// What is decided, in plain C: nothing here knows of Wasm, so `make test` can try it.
#ifndef POLICY_H
#define POLICY_H

#include <ctype.h>
#include <stdbool.h>

// The file, read.
struct policy {
  const char *seen;
  bool refuse_shouting;
};

// Returns whether a subject is in capitals alone. Letters are those of ASCII.
static inline bool shouts(const struct policy *policy, const char *subject) {
  int letters = 0;
  for (; *subject; subject += 1) {
    if (islower((unsigned char)*subject)) return false;
    if (isupper((unsigned char)*subject)) letters += 1;
  }
  return policy->refuse_shouting && letters >= 5;
}

#endif
