// What moves blobs gives way to all else where the processors are busy.
#pragma once

namespace skerry::wire {

// For the calling thread, and for the I/O thread of this process that the sockets for blobs have
// (see choose_io_thread), which must have begun and named itself. It is for good.
void give_way();

}  // namespace skerry::wire
