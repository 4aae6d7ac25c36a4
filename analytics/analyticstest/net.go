package analyticstest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// NetSize is the side of the square that the networks here take.
const NetSize = 32

// DarkNet returns a network in Darknet's form, its .weights and its .cfg, whose one class
// is in the middle of each crop that has a pixel darker than about 60, and in no
// other. It is small enough to be understood: the darkest pixel decides.
func DarkNet() (weights, cfg []byte) {
	cfg = fmt.Appendf(nil, `[net]
width=%[1]d
height=%[1]d
channels=3

[convolutional]
filters=1
size=1
stride=1
pad=0
activation=linear

[maxpool]
size=%[1]d
stride=%[1]d
padding=0

[convolutional]
filters=6
size=1
stride=1
pad=0
activation=linear

[yolo]
mask=0
anchors=20,20
classes=1
num=1
`, NetSize)
	var b bytes.Buffer
	le := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // a buffer takes everything
	le([]int32{0, 2, 0})
	le(int64(0)) // pictures seen in training
	// One minus the pixel: a bias, then a weight for each channel.
	le([]float32{1, -1. / 3, -1. / 3, -1. / 3})
	// The box stays at its anchor; objectness is a logistic curve; the class is sure.
	le([]float32{0, 0, 0, 0, -38, 6})
	le([]float32{0, 0, 0, 0, 50, 0})
	return b.Bytes(), cfg
}

// A field of a protocol buffer.
func field(number int, v any) []byte {
	var b []byte
	switch v := v.(type) {
	case int:
		b = binary.AppendUvarint(b, uint64(number)<<3)
		b = binary.AppendUvarint(b, uint64(v))
	case string:
		return field(number, []byte(v))
	case []byte:
		b = binary.AppendUvarint(b, uint64(number)<<3|2)
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return b
}

func message(fields ...[]byte) []byte { return bytes.Join(fields, nil) }

// The messages and the numbers of their fields are those of onnx.proto3.
func tensor(name string, dims []int, data []float32) []byte {
	var raw []byte
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return tensorOf(name, dims, 1, raw)
}

func tensorOf(name string, dims []int, dataType int, raw []byte) []byte {
	var b []byte
	for _, d := range dims {
		b = append(b, field(1, d)...)
	}
	return message(b, field(2, dataType), field(8, name), field(9, raw))
}

func node(op string, inputs []string, output string, attributes ...[]byte) []byte {
	var b []byte
	for _, in := range inputs {
		b = append(b, field(1, in)...)
	}
	b = append(b, message(field(2, output), field(3, output), field(4, op))...)
	for _, a := range attributes {
		b = append(b, field(5, a)...)
	}
	return b
}

func value(name string, dims ...int) []byte {
	var shape []byte
	for _, d := range dims {
		shape = append(shape, field(1, field(1, d))...)
	}
	return message(field(1, name), field(2, field(1, message(field(1, 1), field(2, shape)))))
}

// ONNX returns a network in ONNX that does the same as DarkNet. Its output has YOLOv5's form,
// or with columns YOLOv8's.
func ONNX(columns bool) []byte {
	const rows, per = 8, 6 // one row means something
	row := []float32{NetSize / 2, NetSize / 2, 20, 20, -2.8, 1}
	weights, biases := make([]float32, rows*per), make([]float32, rows*per)
	dims := []int{1, rows, per}
	if columns {
		dims = []int{1, 5, rows}
		weights, biases = weights[:5*rows], biases[:5*rows]
		for k, v := range row[:5] {
			biases[k*rows] = v
		}
		weights[4*rows] = 4
	} else {
		copy(biases, row)
		weights[4] = 4
	}
	kernel := message(field(1, "kernel_shape"), field(8, 1), field(8, 1), field(20, 7)) // two numbers
	var shape []byte
	for _, d := range dims {
		shape = binary.LittleEndian.AppendUint64(shape, uint64(d))
	}
	n := len(weights)
	graph := message(
		field(1, node("Conv", []string{"in", "w1", "b1"}, "inverted", kernel)),
		field(1, node("GlobalMaxPool", []string{"inverted"}, "darkest")),
		field(1, node("Conv", []string{"darkest", "w2", "b2"}, "numbers", kernel)),
		field(1, node("Reshape", []string{"numbers", "shape"}, "out")),
		field(2, "dark"),
		field(5, tensor("w1", []int{1, 3, 1, 1}, []float32{-1. / 3, -1. / 3, -1. / 3})),
		field(5, tensor("b1", []int{1}, []float32{1})),
		field(5, tensor("w2", []int{n, 1, 1, 1}, weights)),
		field(5, tensor("b2", []int{n}, biases)),
		field(5, tensorOf("shape", []int{3}, 7, shape)),
		field(11, value("in", 1, 3, NetSize, NetSize)),
		field(12, value("out", dims...)),
	)
	return message(field(1, 7), field(7, graph), field(8, message(field(1, ""), field(2, 11))))
}
