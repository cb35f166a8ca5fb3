// What Swift sees of libevent: the event loop, its buffers and evhttp.
#ifndef RELEVO_CLIBEVENT_H
#define RELEVO_CLIBEVENT_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/util.h>

#endif
