#ifndef SENTRYBOX_OPENCV_H
#define SENTRYBOX_OPENCV_H
#ifdef __cplusplus
extern "C" {
#endif
// sb_one_thread returns 0, or -1 after a C++ exception.
int sb_one_thread(void);
#ifdef __cplusplus
}
#endif
#endif
