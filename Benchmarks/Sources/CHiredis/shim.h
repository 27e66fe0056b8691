// hiredis, the C client of Redis, for a benchmark's peer.
#pragma once
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
