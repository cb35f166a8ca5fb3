// What Swift sees of expat: reading XML as it streams in.
#ifndef RELEVO_CEXPAT_H
#define RELEVO_CEXPAT_H

#include <features.h>
#include <expat.h>

#endif
