package lorawan

import (
	"crypto/aes"
	"crypto/cipher"
)

// Key is an AES-128 key. It does not print.
type Key [16]byte

// String hides the key.
func (Key) String() string { return "key" }

// GoString hides the key.
func (Key) GoString() string { return "key" }

// cmac is AES-CMAC (RFC 4493) by one key. It is for one goroutine.
type cmac struct {
	block  cipher.Block
	k1, k2 [16]byte
	x      [16]byte // scratch: what goes through an interface is allocated
}

func newCMAC(key Key) *cmac {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key has 16 bytes
	}
	c := &cmac{block: block}
	block.Encrypt(c.k1[:], make([]byte, 16)) // section 2.3
	double(&c.k1)
	c.k2 = c.k1
	double(&c.k2)
	return c
}

// double multiplies by x in GF(2^128).
func double(k *[16]byte) {
	carry := k[0] >> 7
	for i := range 15 {
		k[i] = k[i]<<1 | k[i+1]>>7
	}
	k[15] = k[15]<<1 ^ carry*0x87
}

// sum returns the MAC over b0 and msg; b0 is one block, or nothing.
func (c *cmac) sum(b0 *[16]byte, msg []byte) [16]byte {
	c.x = [16]byte{}
	if b0 != nil {
		c.x = *b0
		if len(msg) == 0 {
			xor(&c.x, c.k1[:])
			c.block.Encrypt(c.x[:], c.x[:])
			return c.x
		}
		c.block.Encrypt(c.x[:], c.x[:])
	}
	for len(msg) > 16 {
		xor(&c.x, msg[:16])
		c.block.Encrypt(c.x[:], c.x[:])
		msg = msg[16:]
	}
	xor(&c.x, msg)
	if len(msg) == 16 {
		xor(&c.x, c.k1[:])
	} else {
		c.x[len(msg)] ^= 0x80
		xor(&c.x, c.k2[:])
	}
	c.block.Encrypt(c.x[:], c.x[:])
	return c.x
}

func xor(x *[16]byte, b []byte) {
	for i, c := range b {
		x[i] ^= c
	}
}
