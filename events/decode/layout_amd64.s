//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "plain_amd64.h"

// Looks at the block in Z5: the least bytes, the least differences from a backslash, the quotes.
#define LOOK \
	VPMINSB Z5, Z3, Z3  \
	VPXORQ Z1, Z5, Z6   \
	VPMINUB Z6, Z4, Z4  \
	VPCMPEQB Z0, Z5, K1 \
	KMOVQ K1, R12       \
	CRC32Q R12, R14     \
	POPCNTQ R12, R12    \
	ADDQ R12, R9

// func findLayout(b *byte, n int, in *layouts) (at int, tag uint32)
//
// Counts the quotes and hashes where they lie, then compares with the layout of that hash. What is plain, has the quotes of the
// layout where the layout has them, and no more, has none in its strings. Nothing is read past b[n-1].
TEXT ·findLayout(SB), NOSPLIT, $0-36
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ in+16(FP), DI
	PLAIN
	VMOVDQA64 Z2, Z3    // the least bytes, signed
	VMOVDQA64 Z1, Z4    // the least differences from a backslash
	XORQ R8, R8         // place in b
	XORQ R9, R9         // quotes so far
	MOVQ CX, R14        // hash
	MOVQ $-1, R11

block:
	MOVQ CX, R10
	SUBQ R8, R10
	CMPQ R10, $64
	JB last
	VMOVDQU64 (SI)(R8*1), Z5
	LOOK
	ADDQ $64, R8
	JMP block

last:
	BZHIQ R10, R11, R11
	KMOVQ R11, K5 // bytes of the last block that are b's; may be none
	VMOVDQA64 Z2, Z5
	VMOVDQU8 (SI)(R8*1), K5, Z5
	LOOK

	VPCMPB $1, Z2, Z3, K1
	VPTESTNMB Z4, Z4, K2
	KORTESTQ K1, K2
	JNZ odd

	MOVQ $0x9e3779b97f4a7c15, AX
	IMULQ AX, R14
	MOVQ R14, AX
	SHRQ $(64-const_layoutBits), AX // the set
	SHRQ $16, R14
	ORL $1, R14 // the tag
	SHLQ $2, AX // its first way
	VPBROADCASTD R14, X5
	VPCMPEQD layouts_tags(DI)(AX*4), X5, K1
	KMOVB K1, BX
	TESTL BX, BX
	JZ unknown
	TZCNTL BX, BX
	ADDQ BX, AX
	MOVQ layouts_known(DI)(AX*8), DX
	CMPQ layout_n(DX), CX
	JNE other
	CMPQ layout_quotes(DX), R9
	JNE other
	MOVQ layout_text+0(DX), R13
	ADDQ $layout_fixed, DX
	KXORQ K4, K4, K4 // bytes that differ
	XORQ R8, R8

compare:
	MOVQ CX, R10
	SUBQ R8, R10
	JZ compared
	CMPQ R10, $64
	JB rest
	KMOVQ (DX), K1
	VMOVDQU64 (SI)(R8*1), Z5
	VPCMPUB $4, (R13)(R8*1), Z5, K1, K2
	KORQ K2, K4, K4
	ADDQ $8, DX
	ADDQ $64, R8
	JMP compare

rest:
	KMOVQ (DX), K1
	VMOVDQU8.Z (SI)(R8*1), K5, Z5
	VPCMPUB $4, (R13)(R8*1), Z5, K1, K2
	KORQ K2, K4, K4

compared:
	KORTESTQ K4, K4
	JNZ other
	VZEROUPPER
	MOVQ AX, at+24(FP)
	MOVL R14, tag+32(FP)
	RET

other: // of the same tag
	ANDQ $(-const_layoutWays), AX

unknown:
	NOTQ AX
	VZEROUPPER
	MOVQ AX, at+24(FP)
	MOVL R14, tag+32(FP)
	RET

odd:
	VZEROUPPER
	MOVQ $const_notPlain, at+24(FP)
	MOVL $0, tag+32(FP)
	RET
