// libmemcached, which the client of memcached is measured against.
#include <libmemcached/memcached.h>
