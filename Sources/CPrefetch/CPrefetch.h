// What the processor can do and Swift cannot say.
#ifndef RELEVO_CPREFETCH_H
#define RELEVO_CPREFETCH_H

/// Asks for the cache line at an address, which need not be readable: nothing is awaited, nothing can fail.
static inline void prefetch_line(const void *address) { __builtin_prefetch(address); }

#endif
