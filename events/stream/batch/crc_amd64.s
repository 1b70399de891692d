//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// FOLD moves x on by the factors f, onto what is at to.
#define FOLD(f, x, t, to) \
	VPCLMULQDQ $0x00, f, x, t; \
	VPCLMULQDQ $0x11, f, x, x; \
	VPTERNLOGQ $0x96, to, t, x

// func crcFold(p *byte, n int, factors *[12]uint64, rest *[16]byte)
TEXT ·crcFold(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ factors+16(FP), AX
	MOVQ rest+24(FP), DI
	VBROADCASTI64X2 (AX), Z8
	VBROADCASTI64X2 16(AX), Z9
	VMOVDQU64 32(AX), Z10 // the last lane: 0

	MOVL $-1, DX
	VMOVD DX, X4
	VPXORQ (SI), Z4, Z0
	VMOVDQU64 64(SI), Z1
	VMOVDQU64 128(SI), Z2
	VMOVDQU64 192(SI), Z3
	ADDQ $const_crcBlock, SI
	SUBQ $const_crcBlock, CX
	JZ   last

	PCALIGN $64
block:
	PREFETCHT0 1024(SI)
	PREFETCHT0 1088(SI)
	PREFETCHT0 1152(SI)
	PREFETCHT0 1216(SI)
	FOLD(Z8, Z0, Z4, (SI))
	FOLD(Z8, Z1, Z5, 64(SI))
	FOLD(Z8, Z2, Z6, 128(SI))
	FOLD(Z8, Z3, Z7, 192(SI))
	ADDQ $const_crcBlock, SI
	SUBQ $const_crcBlock, CX
	JNZ  block

last:
	FOLD(Z9, Z0, Z4, Z1)
	FOLD(Z9, Z0, Z4, Z2)
	FOLD(Z9, Z0, Z4, Z3)
	VEXTRACTI64X2 $3, Z0, X5
	VPCLMULQDQ $0x00, Z10, Z0, Z4
	VPCLMULQDQ $0x11, Z10, Z0, Z0
	VPXORQ Z4, Z0, Z0
	VEXTRACTI64X4 $1, Z0, Y4
	VPXOR Y4, Y0, Y0
	VEXTRACTI128 $1, Y0, X4
	VPXOR X4, X0, X0
	VPXOR X5, X0, X0
	VMOVDQU X0, (DI)
	VZEROUPPER
	RET
