#ifndef SENTRYBOX_MEMORY_H
#define SENTRYBOX_MEMORY_H
// sb_keep_memory returns 0, or -1 if the C library refuses.
int sb_keep_memory(void);
#endif
