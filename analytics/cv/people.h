// Detectors that look for people in grey crops: OpenCV's histogram of oriented gradients, and networks
// that a user names. Every function returns 0, or -1 with why in words.
#ifndef SENTRYBOX_PEOPLE_H
#define SENTRYBOX_PEOPLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SB_MAX_DIMS = 6 };
enum { SB_ONNX = 1, SB_DARKNET = 2 };

typedef struct {
	char *text; // ends in a zero
	size_t size;
} sb_why;

typedef struct {
	float x, y, width, height; // pixels of the crop
	float weight;
} sb_window;

typedef struct sb_hog sb_hog;

int sb_hog_open(sb_hog **out, sb_why why);
void sb_hog_close(sb_hog *h);

// sb_hog_run scales the crop by a factor and writes the windows of at least that
// weight, the first max of them; *found is how many there are.
int sb_hog_run(sb_hog *h, const uint8_t *pix, int width, int height, double scale, double least,
               sb_window *windows, int max, int *found, sb_why why);

typedef struct sb_net sb_net;

// sb_net_open reads a network; config is Darknet's .cfg. The bytes are not needed afterwards.
int sb_net_open(sb_net **out, int format, const char *model, size_t model_size, const char *config, size_t config_size,
                sb_why why);
void sb_net_close(sb_net *n);

// sb_net_run stretches the crop to size×size pixels p and puts (p - mean) × scale into each of three channels.
int sb_net_run(sb_net *n, const uint8_t *pix, int width, int height, int size, double scale, double mean, sb_why why);

// What the last run gave out. sb_net_output returns NULL if it is no
// contiguous array of floats of at most SB_MAX_DIMS dimensions; it holds until the next run.
int sb_net_outputs(const sb_net *n);
const float *sb_net_output(const sb_net *n, int i, int *shape, int *dims);

#ifdef __cplusplus
}
#endif
#endif
