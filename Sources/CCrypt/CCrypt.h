// What Swift sees of libcrypt: the hashes of passwords.
#ifndef RELEVO_CCRYPT_H
#define RELEVO_CCRYPT_H

// First: as in CLibevent.h.
#include <features.h>

#include <crypt.h>

#endif
