/* The shared library of the gateway: libsensors.so.1. */
#ifndef SENSORS_H
#define SENSORS_H

/* Reads one frame from the (simulated) bus; returns its checksum. */
unsigned sensors_poll(unsigned tick);

#endif
