//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "plain_amd64.h"

DATA iota<>+0x00(SB)/8, $0x0706050403020100
DATA iota<>+0x08(SB)/8, $0x0f0e0d0c0b0a0908
DATA iota<>+0x10(SB)/8, $0x1716151413121110
DATA iota<>+0x18(SB)/8, $0x1f1e1d1c1b1a1918
DATA iota<>+0x20(SB)/8, $0x2726252423222120
DATA iota<>+0x28(SB)/8, $0x2f2e2d2c2b2a2928
DATA iota<>+0x30(SB)/8, $0x3736353433323130
DATA iota<>+0x38(SB)/8, $0x3f3e3d3c3b3a3938
GLOBL iota<>(SB), RODATA|NOPTR, $64

// func indexQuotes(b *byte, n int, at *[quoteSlots]uint16) int
//
// The places of all quotes, 64 bytes at a time. Nothing is read past b[n-1]: masked loads do not touch what the mask leaves out.
TEXT ·indexQuotes(SB), NOSPLIT, $0-32
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ at+16(FP), BX
	PLAIN
	VMOVDQU64 iota<>(SB), Z3
	KXORQ K4, K4, K4 // bytes that are not plain
	XORQ R8, R8      // place in b
	XORQ R9, R9      // quotes so far

block:
	MOVQ CX, R10
	SUBQ R8, R10
	MOVQ $-1, R11
	CMPQ R10, $64
	JAE whole
	BZHIQ R10, R11, R11
whole:
	KMOVQ R11, K5 // bytes of the block that are b's
	VMOVDQU8.Z (SI)(R8*1), K5, Z5
	VPCMPEQB Z0, Z5, K5, K1
	VPCMPEQB Z1, Z5, K5, K2
	VPCMPB $1, Z2, Z5, K5, K3
	KORQ K2, K4, K4
	KORQ K3, K4, K4
	KMOVQ K1, R12
	POPCNTQ R12, R12
	CMPQ R12, $32
	JA odd
	VPCOMPRESSB.Z Z3, K1, Z6
	VPMOVZXBW Y6, Z6
	VPBROADCASTW R8, Z7
	VPADDW Z7, Z6, Z6
	VMOVDQU16 Z6, (BX)(R9*2) // 32 places, of which R12 count
	ADDQ R12, R9
	CMPQ R9, $const_maxQuotes
	JA odd
	ADDQ $64, R8
	CMPQ R8, CX
	JB block

	KORTESTQ K4, K4
	JNZ odd
	VZEROUPPER
	MOVQ R9, ret+24(FP)
	RET

odd:
	VZEROUPPER
	MOVQ $-1, ret+24(FP)
	RET

// func findSkeleton(b *byte, n int, known *[skeletonSlots]*skeleton, at *[quoteSlots]uint16, quotes int) int
//
// Each piece of a skeleton that has so many quotes is compared with the bytes after the quote with which it begins. Nothing is read
// past b[n-1].
TEXT ·findSkeleton(SB), NOSPLIT, $0-48
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ known+16(FP), DI
	MOVQ at+24(FP), BX
	MOVQ quotes+32(FP), R9
	MOVQ R9, AX
	SHRQ $1, AX
	ANDQ $31, AX // the first way

way:
	MOVQ (DI)(AX*8), DX
	TESTQ DX, DX
	JZ next
	CMPQ skeleton_quotes(DX), R9
	JNE next
	MOVQ skeleton_pieces(DX), R10
	LEAQ skeleton_text(DX), R13
	VPXORQ Z8, Z8, Z8 // bits that differ
	XORQ R11, R11     // piece
	XORQ R12, R12     // its place in b

piece:
	MOVQ skeleton_length(DX)(R11*8), R8
	ADDQ R12, R8 // its end
	CMPQ R8, CX
	JA next
	KMOVQ skeleton_mask(DX)(R11*8), K1
	VMOVDQU8.Z (SI)(R12*1), K1, Z5
	VPTERNLOGQ $0xf6, (R13), Z5, Z8 // Z8 |= Z5 ^ text
	ADDQ $const_maxPiece, R13
	INCQ R11
	CMPQ R11, R10
	JE pieces
	MOVQ skeleton_start(DX)(R11*8), R12
	MOVWLZX (BX)(R12*2), R12
	JMP piece

pieces:
	CMPQ R8, CX // the last one ends with b
	JNE next
	VPTESTMQ Z8, Z8, K1
	KORTESTB K1, K1
	JNZ next
	VZEROUPPER
	MOVQ AX, ret+40(FP)
	RET

next:
	ADDQ $32, AX
	CMPQ AX, $64
	JB way

none:
	VZEROUPPER
	MOVQ $-1, ret+40(FP)
	RET
