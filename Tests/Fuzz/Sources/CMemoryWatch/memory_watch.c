#include "memory_watch.h"

#include <stdatomic.h>

// Of sanitizer/allocator_interface.h.
int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void *, size_t), void (*free_hook)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *p);

static atomic_long in_use, start, peak;

static void note_malloc(const volatile void *p, size_t size) {
  long now = atomic_fetch_add(&in_use, (long)size) + (long)size;
  long most = atomic_load(&peak);
  while (now > most && !atomic_compare_exchange_weak(&peak, &most, now)) {
  }
}

static void note_free(const volatile void *p) {
  if (p) atomic_fetch_sub(&in_use, (long)__sanitizer_get_allocated_size(p));
}

void memory_watch_install(void) { __sanitizer_install_malloc_and_free_hooks(note_malloc, note_free); }

void memory_watch_reset(void) {
  long now = atomic_load(&in_use);
  atomic_store(&start, now);
  atomic_store(&peak, now);
}

size_t memory_watch_peak(void) { return (size_t)(atomic_load(&peak) - atomic_load(&start)); }
