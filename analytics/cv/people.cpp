//go:build cgo

#include "people.h"

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

struct sb_hog {
	cv::HOGDescriptor descriptor;
	cv::Mat scaled;
	std::vector<cv::Rect> found;
	std::vector<double> weights;
};

struct sb_net {
	cv::dnn::Net net;
	std::vector<cv::String> names;
	std::vector<cv::Mat> outputs;
	cv::Mat scaled, blob;
};

namespace {

int fail(sb_why why, const char *what)
{
	if (why.size > 0)
		std::snprintf(why.text, why.size, "%s", what);
	return -1;
}

// guarded calls f: no exception may unwind into Go.
template <class F> int guarded(sb_why why, F f)
{
	try {
		f();
		return 0;
	} catch (const cv::Exception &e) {
		return fail(why, e.err.c_str()); // without the path of OpenCV's source
	} catch (const std::exception &e) {
		return fail(why, e.what());
	} catch (...) {
		return fail(why, "unknown exception");
	}
}

struct problem : std::exception {
	std::string text;
	explicit problem(const std::string &t) : text(t) {}
	const char *what() const noexcept override { return text.c_str(); }
};

cv::Mat crop(const uint8_t *pix, int width, int height)
{
	return cv::Mat(height, width, CV_8UC1, const_cast<uint8_t *>(pix));
}

// weights counts the numbers that the layers of a network have been given.
size_t weights(cv::dnn::Net &net)
{
	size_t n = 0;
	for (const cv::String &name : net.getLayerNames()) {
		const cv::Ptr<cv::dnn::Layer> layer = net.getLayer(net.getLayerId(name));
		if (layer->type == "Region") // its anchors are from the .cfg
			continue;
		for (const cv::Mat &b : layer->blobs)
			n += b.total();
	}
	return n;
}

// Darknet's file is a header and then floats. OpenCV goes on with whatever was in
// memory where the file ends too early.
void check_weights(cv::dnn::Net &net, const char *model, size_t size)
{
	int32_t version[2];
	if (size < 20)
		throw problem("the weights file is too short");
	std::copy(model, model + sizeof version, reinterpret_cast<char *>(version));
	const size_t header = version[0] * 10 + version[1] >= 2 ? 20 : 16;
	const size_t have = (size - header) / 4, want = weights(net);
	if (have != want)
		throw problem("the weights file has " + std::to_string(have) + " numbers, the network takes " + std::to_string(want));
}

cv::dnn::Net read(int format, const char *model, size_t model_size, const char *config, size_t config_size)
{
	if (format == SB_ONNX)
		return cv::dnn::readNetFromONNX(model, model_size);
	cv::dnn::Net net = cv::dnn::readNetFromDarknet(config, config_size, model, model_size);
	check_weights(net, model, model_size);
	return net;
}

} // namespace

int sb_hog_open(sb_hog **out, sb_why why)
{
	return guarded(why, [&] {
		std::unique_ptr<sb_hog> h(new sb_hog);
		h->descriptor.setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
		*out = h.release();
	});
}

void sb_hog_close(sb_hog *h) { delete h; }

int sb_hog_run(sb_hog *h, const uint8_t *pix, int width, int height, double scale, double least, sb_window *windows, int max,
               int *found, sb_why why)
{
	return guarded(why, [&] {
		cv::resize(crop(pix, width, height), h->scaled, cv::Size(), scale, scale, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
		h->found.clear();
		h->weights.clear();
		*found = 0;
		const cv::Size window = h->descriptor.winSize;
		if (h->scaled.cols < window.width || h->scaled.rows < window.height)
			return; // OpenCV 4.6 crashes on less than one window
		// Every window, ungrouped.
		h->descriptor.detectMultiScale(h->scaled, h->found, h->weights, least, cv::Size(8, 8), cv::Size(), 1.08, 0);
		*found = static_cast<int>(std::min(h->found.size(), h->weights.size()));
		for (int i = 0; i < *found && i < max; i++) {
			const cv::Rect &r = h->found[i];
			windows[i] = sb_window{float(r.x / scale), float(r.y / scale), float(r.width / scale), float(r.height / scale),
			                       float(h->weights[i])};
		}
	});
}

int sb_net_open(sb_net **out, int format, const char *model, size_t model_size, const char *config, size_t config_size,
                sb_why why)
{
	return guarded(why, [&] {
		std::unique_ptr<sb_net> n(new sb_net);
		n->net = read(format, model, model_size, config, config_size);
		if (n->net.empty())
			throw problem("the network has no layers");
		n->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
		n->net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
		n->names = n->net.getUnconnectedOutLayersNames();
		*out = n.release();
	});
}

void sb_net_close(sb_net *n) { delete n; }

int sb_net_run(sb_net *n, const uint8_t *pix, int width, int height, int size, double scale, double mean, sb_why why)
{
	n->outputs.clear();
	return guarded(why, [&] {
		cv::resize(crop(pix, width, height), n->scaled, cv::Size(size, size), 0, 0,
		           width > size ? cv::INTER_AREA : cv::INTER_LINEAR);
		const int shape[] = {1, 3, size, size};
		n->blob.create(4, shape, CV_32F);
		for (int c = 0; c < 3; c++)
			n->scaled.convertTo(cv::Mat(size, size, CV_32F, n->blob.ptr<float>(0, c)), CV_32F, scale, -mean * scale);
		n->net.setInput(n->blob);
		n->net.forward(n->outputs, n->names);
	});
}

int sb_net_outputs(const sb_net *n) { return static_cast<int>(n->outputs.size()); }

const float *sb_net_output(const sb_net *n, int i, int *shape, int *dims)
{
	const cv::Mat &m = n->outputs[i];
	if (m.type() != CV_32F || !m.isContinuous() || m.empty() || m.dims > SB_MAX_DIMS)
		return nullptr;
	*dims = m.dims;
	for (int d = 0; d < m.dims; d++)
		shape[d] = m.size[d];
	return m.ptr<float>();
}
