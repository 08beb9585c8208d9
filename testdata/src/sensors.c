/*
 * libsensors.so.1: a library that leaks in a static function.
 *
 * frame_decode() is static, so .dynsym does not have it and glibc names the
 * exported neighbour below it in the log. Only DWARF has the right name.
 *
 * Per call of sensors_poll(): one block of 48 bytes is lost.
 */
#include "sensors.h"

#include <stdlib.h>
#include <string.h>

struct frame {
    unsigned sequence;
    unsigned char payload[44];
};

static struct frame *frame_decode(unsigned tick)
{
    struct frame *frame = malloc(sizeof *frame);    /* LEAK: frame_decode */
    if (!frame)
        return NULL;
    frame->sequence = tick;
    memset(frame->payload, (int)(tick & 0xff), sizeof frame->payload);
    return frame;
}

unsigned sensors_poll(unsigned tick)
{
    struct frame *frame = frame_decode(tick);
    unsigned checksum = 0;
    if (!frame)
        return 0;
    for (unsigned i = 0; i < sizeof frame->payload; i++)
        checksum += frame->payload[i];
    return checksum;                                /* frame is never freed */
}
