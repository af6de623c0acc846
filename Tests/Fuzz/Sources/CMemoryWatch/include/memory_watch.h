#pragma once
#include <stddef.h>
#include <stdint.h>

// Counts the memory of all calls of malloc and its like from now on, by the address sanitizer's hooks.
void memory_watch_install(void);

// Begins anew: the peak is what is in use now.
void memory_watch_reset(void);

// The most bytes that were in use at one time since then, beyond those that were in use then.
size_t memory_watch_peak(void);

// libFuzzer's main function, of a program that has one of its own (llvm.org/docs/LibFuzzer.html).
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*read)(const uint8_t *bytes, size_t count));
