// What Swift sees of nghttp2: the frames of HTTP/2 and their compression.
#ifndef RELEVO_CNGHTTP2_H
#define RELEVO_CNGHTTP2_H

// First, as in CLibevent: Swift's Glibc module is made without the feature macros that others define.
#include <features.h>

#include <nghttp2/nghttp2.h>

#endif
