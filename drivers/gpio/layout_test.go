//go:build e2e

package gpio

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unsafe"
)

// A C compiler and the kernel's header say the same of every size, offset and number.
func TestLayoutIsTheHeaders(t *testing.T) {
	source := filepath.Join(t.TempDir(), "layout.c")
	program := `#include <linux/gpio.h>
#include <stddef.h>
#include <stdio.h>
int main(void) {
	printf("%zu %zu %zu %zu %zu %zu\n", sizeof(struct gpiochip_info), sizeof(struct gpio_v2_line_config),
		sizeof(struct gpio_v2_line_request), sizeof(struct gpio_v2_line_info), sizeof(struct gpio_v2_line_values), sizeof(struct gpio_v2_line_event));
	printf("%zu %zu %zu %zu\n", offsetof(struct gpio_v2_line_request, config), offsetof(struct gpio_v2_line_request, fd),
		offsetof(struct gpio_v2_line_config, attrs), offsetof(struct gpio_v2_line_event, line_seqno));
	printf("%lu %lu %lu %lu %lu\n", (unsigned long)GPIO_GET_CHIPINFO_IOCTL, (unsigned long)GPIO_V2_GET_LINEINFO_IOCTL,
		(unsigned long)GPIO_V2_GET_LINE_IOCTL, (unsigned long)GPIO_V2_LINE_GET_VALUES_IOCTL, (unsigned long)GPIO_V2_LINE_SET_VALUES_IOCTL);
	printf("%d %d %d %d %d %d %d %d %d\n", (int)GPIO_V2_LINE_FLAG_ACTIVE_LOW, (int)GPIO_V2_LINE_FLAG_INPUT, (int)GPIO_V2_LINE_FLAG_OUTPUT,
		(int)GPIO_V2_LINE_FLAG_EDGE_RISING, (int)GPIO_V2_LINE_FLAG_EDGE_FALLING, (int)GPIO_V2_LINE_FLAG_OPEN_DRAIN,
		(int)GPIO_V2_LINE_FLAG_BIAS_PULL_UP, (int)GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN, (int)GPIO_V2_LINE_FLAG_BIAS_DISABLED);
	printf("%d %d %d\n", GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, GPIO_V2_LINE_ATTR_ID_DEBOUNCE, GPIO_V2_LINE_EVENT_RISING_EDGE);
	return 0;
}
`
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := source + ".out"
	if out, err := exec.Command("gcc", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintln(unsafe.Sizeof(chipInfo{}), unsafe.Sizeof(lineConfig{}), unsafe.Sizeof(lineRequest{}), unsafe.Sizeof(lineInfo{}), unsafe.Sizeof(lineValues{}), unsafe.Sizeof(lineEvent{})) +
		fmt.Sprintln(unsafe.Offsetof(lineRequest{}.config), unsafe.Offsetof(lineRequest{}.fd), unsafe.Offsetof(lineConfig{}.attrs), unsafe.Offsetof(lineEvent{}.lineSeqno)) +
		fmt.Sprintln(ioctlChipInfo(), ioctlLineInfo(), ioctlLine(), ioctlGetValues(), ioctlSetValues()) +
		fmt.Sprintln(flagActiveLow, flagInput, flagOutput, flagEdgeRising, flagEdgeFalling, flagOpenDrain, flagPullUp, flagPullDown, flagNoBias) +
		fmt.Sprintln(attrValues, attrDebounce, eventRising)
	if string(out) != want {
		t.Errorf("the header says\n%sand this package\n%s", out, want)
	}
}
