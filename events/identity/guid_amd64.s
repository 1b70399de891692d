//go:build !purego

#include "textflag.h"

// What a hex digit is worth; 0x80: it is none.
DATA worth<>+0x00(SB)/8, $0x8080808080808080
DATA worth<>+0x08(SB)/8, $0x8080808080808080
DATA worth<>+0x10(SB)/8, $0x8080808080808080
DATA worth<>+0x18(SB)/8, $0x8080808080808080
DATA worth<>+0x20(SB)/8, $0x8080808080808080
DATA worth<>+0x28(SB)/8, $0x8080808080808080
DATA worth<>+0x30(SB)/8, $0x0706050403020100
DATA worth<>+0x38(SB)/8, $0x8080808080800908
DATA worth<>+0x40(SB)/8, $0x800f0e0d0c0b0a80
DATA worth<>+0x48(SB)/8, $0x8080808080808080
DATA worth<>+0x50(SB)/8, $0x8080808080808080
DATA worth<>+0x58(SB)/8, $0x8080808080808080
DATA worth<>+0x60(SB)/8, $0x800f0e0d0c0b0a80
DATA worth<>+0x68(SB)/8, $0x8080808080808080
DATA worth<>+0x70(SB)/8, $0x8080808080808080
DATA worth<>+0x78(SB)/8, $0x8080808080808080
GLOBL worth<>(SB), RODATA|NOPTR, $128

// Where a UUID has the first digits of its 16 bytes, then the second ones.
DATA digits<>+0x00(SB)/8, $0x100e0b0906040200
DATA digits<>+0x08(SB)/8, $0x22201e1c1a181513
DATA digits<>+0x10(SB)/8, $0x110f0c0a07050301
DATA digits<>+0x18(SB)/8, $0x23211f1d1b191614
DATA digits<>+0x20(SB)/8, $0x0000000000000000
DATA digits<>+0x28(SB)/8, $0x0000000000000000
DATA digits<>+0x30(SB)/8, $0x0000000000000000
DATA digits<>+0x38(SB)/8, $0x0000000000000000
GLOBL digits<>(SB), RODATA|NOPTR, $64

// func hyphenatedVector(u *[16]byte, text *byte) bool
//
// Nothing is read past the 36th byte.
TEXT ·hyphenatedVector(SB), NOSPLIT, $0-17
	MOVQ u+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ $0xfffffffff, AX
	KMOVQ AX, K1
	VMOVDQU8.Z (SI), K1, Z0
	MOVL $0x842100, BX // the hyphens' places
	KMOVQ BX, K2
	MOVL $0x2d, AX
	VPBROADCASTB AX, Z1
	VPCMPEQB Z1, Z0, K2, K3
	KMOVQ K3, R8
	CMPQ R8, BX
	JNE no
	VMOVDQU64 digits<>+0x00(SB), Z2
	VPERMB Z0, Z2, Z3
	VMOVDQA64 Z3, Z4
	VMOVDQU64 worth<>+0x00(SB), Z5
	VMOVDQU64 worth<>+0x40(SB), Z6
	VPERMI2B Z6, Z5, Z3
	VPORQ Y3, Y4, Y4 // the high bit: no digit, or not ASCII
	VPMOVB2M Y4, K1
	KORTESTD K1, K1
	JNZ no
	VEXTRACTI128 $1, Y3, X4
	VPSLLW $4, X3, X3
	VPOR X3, X4, X4
	VMOVDQU X4, (DI)
	VZEROUPPER
	MOVB $1, ret+16(FP)
	RET

no:
	VZEROUPPER
	MOVB $0, ret+16(FP)
	RET
