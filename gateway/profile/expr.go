package profile

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// Limits on an expression. What it takes is bounded by them: it has no loops but
// those over a list, and none within another.
const (
	maxExpression = 1000 // bytes
	maxExprNodes  = 300
	memoryBudget  = 10_000 // elements that one evaluation may make
)

// A program is a compiled expression.
type program struct {
	vm    *vm.Program
	names []string // that it uses
	need  []string // those of them that must have a value; without one the expression has none
	text  bool     // its value is a text
}

// A scope is the names that an expression can use, with a value of their type.
type scope map[string]any

// newScope returns what every expression can use: the message's circumstances
// and functions of its payload. The functions are those of a Decoder; here they
// are there for their types.
func newScope() scope {
	s := scope{"len": 0.0, "port": 0.0, "rssi": 0.0, "snr": 0.0, "payload": ""}
	new(Decoder).addFunctions(s)
	return s
}

// compile prepares an expression for the names of s.
func compile(source string, s scope) (*program, error) {
	if len(source) > maxExpression {
		return nil, fmt.Errorf("longer than %d bytes", maxExpression)
	}
	v := &visitor{scope: s, optional: map[ast.Node]bool{}}
	options := append(pureFunctions(), expr.Env(map[string]any(s)), expr.MaxNodes(maxExprNodes), expr.Patch(v),
		expr.DisableBuiltin("now"), expr.DisableBuiltin("date"), expr.DisableBuiltin("repeat"))
	p, err := expr.Compile(source, options...)
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(line)
	}
	if v.nested {
		return nil, errors.New("a loop within a loop")
	}
	t := p.Node().Type()
	names, need := v.needs()
	return &program{vm: p, names: names, need: need, text: t != nil && t.Kind() == reflect.String}, nil
}

// A visitor looks at what an expression uses. Names to the left of ?? may lack a
// value.
type visitor struct {
	scope    scope
	names    []*ast.IdentifierNode
	optional map[ast.Node]bool
	nested   bool
}

// Visit sees children before their parents.
func (v *visitor) Visit(n *ast.Node) {
	switch x := (*n).(type) {
	case *ast.IdentifierNode:
		v.names = append(v.names, x)
	case *ast.BinaryNode:
		if x.Operator == "??" {
			v.optional[x.Left] = true
		}
	case *ast.PredicateNode:
		var inner loops
		ast.Walk(&x.Node, &inner)
		v.nested = v.nested || inner > 0
	}
}

// loops counts predicates.
type loops int

func (l *loops) Visit(n *ast.Node) {
	if _, ok := (*n).(*ast.PredicateNode); ok {
		*l++
	}
}

func (v *visitor) needs() (names, need []string) {
	for _, id := range v.names {
		value, known := v.scope[id.Value]
		if !known || reflect.TypeOf(value).Kind() == reflect.Func {
			continue
		}
		names = append(names, id.Value)
		if !v.optional[id] {
			need = append(need, id.Value)
		}
	}
	return names, need
}

// pureFunctions are those that depend on their arguments alone.
func pureFunctions() []expr.Option {
	two := []any{new(func(any, any) float64)}
	return []expr.Option{
		expr.Function("bit", func(a ...any) (any, error) {
			v, n, err := twoInts(a)
			return float64(uint64(v) >> (n & 63) & 1), err
		}, two...),
		expr.Function("bits", func(a ...any) (any, error) {
			v, low, err := twoInts(a)
			high, ok := whole(a[2])
			if err != nil || !ok || low > high || low < 0 || high > 63 {
				return nil, errors.New("bits(number, lowest, highest)")
			}
			return float64(uint64(v) >> low & (1<<(high-low+1) - 1)), nil
		}, new(func(any, any, any) float64)),
		expr.Function("signed", func(a ...any) (any, error) {
			v, width, err := twoInts(a)
			if err != nil || width < 1 || width > 53 {
				return nil, errors.New("signed(number, bits)")
			}
			return float64(v << (64 - width) >> (64 - width)), nil
		}, two...),
		expr.Function("mod", func(a ...any) (any, error) {
			x, ok1 := toFloat(a[0])
			y, ok2 := toFloat(a[1])
			if !ok1 || !ok2 {
				return nil, errors.New("mod(number, number)")
			}
			return math.Mod(x, y), nil
		}, two...),
		unary("sqrt", math.Sqrt), unary("exp", math.Exp), unary("log", math.Log), unary("log10", math.Log10),
	}
}

func unary(name string, f func(float64) float64) expr.Option {
	return expr.Function(name, func(a ...any) (any, error) {
		x, ok := toFloat(a[0])
		if !ok {
			return nil, errors.New("not a number")
		}
		return f(x), nil
	}, new(func(any) float64))
}

func twoInts(a []any) (int64, int64, error) {
	x, ok1 := whole(a[0])
	y, ok2 := whole(a[1])
	if !ok1 || !ok2 {
		return 0, 0, errors.New("not a whole number")
	}
	return x, y, nil
}

// toFloat returns what an expression holds as a number.
func toFloat(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case int:
		return float64(x), true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func whole(v any) (int64, bool) {
	f, ok := toFloat(v)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<63-1024 {
		return 0, false
	}
	return int64(f), true
}

// eval returns the value of p, or nil if it has none. A number is a float64.
func (d *Decoder) eval(p *program) (any, error) {
	for _, name := range p.need {
		if _, ok := d.env[name]; !ok {
			return nil, nil
		}
	}
	d.vm.MemoryBudget = memoryBudget
	v, err := d.vm.Run(p.vm, map[string]any(d.env))
	if err != nil {
		if d.short {
			return nil, ErrShort
		}
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%w: %s", ErrExpression, line)
	}
	if f, ok := toFloat(v); ok {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, nil
		}
		return f, nil
	}
	if s, ok := v.(string); ok && len(s) <= maxText {
		return s, nil
	}
	return nil, nil
}

// holds reports whether the condition p is true.
func (d *Decoder) holds(p *program) bool {
	v, err := d.eval(p)
	f, ok := v.(float64)
	return err == nil && ok && f != 0
}

// addFunctions puts the functions of the payload into s. They take an offset,
// which may be negative from the end.
func (d *Decoder) addFunctions(s scope) {
	for size, name := range map[int]string{1: "8", 2: "16", 3: "24", 4: "32"} {
		for _, order := range []Order{Big, Little} {
			end := ""
			if order == Little {
				if size == 1 {
					continue
				}
				end = "_le"
			}
			s["u"+name+end] = func(at any) float64 { return float64(d.peek(at, size, order)) }
			s["i"+name+end] = func(at any) float64 {
				shift := 64 - 8*size
				return float64(int64(d.peek(at, size, order)<<shift) >> shift)
			}
		}
	}
	s["f32"] = func(at any) float64 { return float64(math.Float32frombits(uint32(d.peek(at, 4, Big)))) }
	s["f32_le"] = func(at any) float64 { return float64(math.Float32frombits(uint32(d.peek(at, 4, Little)))) }
}

// peek reads a number for a function. It panics beyond the payload, which ends
// the evaluation.
func (d *Decoder) peek(offset any, size int, order Order) uint64 {
	at, ok := whole(offset)
	if at < 0 {
		at += int64(len(d.data))
	}
	if !ok || at < 0 || at+int64(size) > int64(len(d.data)) {
		d.short = true
		panic(ErrShort)
	}
	return readUint(d.data[at:at+int64(size)], order)
}
