// What Swift sees of zlib: gzip streams.
#ifndef RELEVO_CZLIB_H
#define RELEVO_CZLIB_H

#include <features.h>
#include <zlib.h>

// Macros that Swift cannot read: they hide the version and the size of the structure.
static inline int relevo_inflateInitGzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
static inline int relevo_deflateInitGzip(z_stream *stream) {
  return deflateInit2(stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

#endif
