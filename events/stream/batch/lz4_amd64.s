//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func lz4Run(dst *byte, at, most, low int, src *byte, from, last int) (s, d int)
//
// A sequence is a token, literals, an offset and a match. Where neither is long, what there is of it is copied without asking how
// much, as wide as it may be, and the lengths are chosen without a branch: the next token says nothing that a processor could
// guess. What a copy leaves behind the end is overwritten by the next.
//
// SI token, R9 the last it may be at; DI where to write, R8 the last it may be, R11 where matches may begin.
TEXT ·lz4Run(SB), NOSPLIT, $0-72
	MOVQ dst+0(FP), DI
	MOVQ DI, R8
	MOVQ DI, R11
	ADDQ at+8(FP), DI
	ADDQ most+16(FP), R8
	ADDQ low+24(FP), R11
	MOVQ src+32(FP), SI
	MOVQ SI, R9
	ADDQ from+40(FP), SI
	ADDQ last+48(FP), R9
	MOVL $3, R15

	PCALIGN $64
sequence:
	CMPQ SI, R9
	JA   done
	CMPQ DI, R8
	JA   done

	// CX literals, R10 where they begin. A second byte of 255 makes more than fit.
	MOVBLZX (SI), AX
	MOVBLZX 1(SI), BX
	LEAQ    1(SI), R10
	LEAQ    2(SI), R12
	MOVL    AX, CX
	SHRL    $4, CX
	ADDL    $15, BX
	CMPL    AX, $0xf0
	CMOVLCC BX, CX
	CMOVQCC R12, R10

	// BX bytes of offset and match length.
	ANDL    $15, AX
	MOVL    $2, BX
	CMPL    AX, $15
	CMOVLEQ R15, BX

	CMPL    CX, $const_lz4Literals
	JA      done
	VMOVDQU (R10), Y0
	VMOVDQU 32(R10), Y1
	ADDQ    CX, R10
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	LEAQ    (DI)(CX*1), R13   // where the match goes
	LEAQ    (R10)(BX*1), R12  // the next token

	// CX bytes of match from DX before.
	MOVWLZX (R10), DX
	MOVBLZX 2(R10), BX
	LEAL    4(AX), CX
	ADDL    $19, BX
	CMPL    AX, $15
	CMOVLEQ BX, CX
	MOVQ    R13, AX
	SUBQ    R11, AX
	CMPQ    DX, AX
	JA      done // before where matches may begin
	CMPQ    DX, CX
	JB      done // of itself, or an offset of nothing
	MOVQ    R13, AX
	SUBQ    DX, AX
	VMOVDQU (AX), Y0
	VMOVDQU 32(AX), Y1
	VMOVDQU 64(AX), Y2
	CMPL    CX, $const_lz4Match
	JA      long
	VMOVDQU Y0, (R13)
	VMOVDQU Y1, 32(R13)
	VMOVDQU Y2, 64(R13)
	LEAQ    (R13)(CX*1), DI
	MOVQ    R12, SI
	JMP     sequence

long:
	CMPL CX, $(19+255)
	JEQ  done // a third byte of length
	LEAQ (R13)(CX*1), DX
	LEAQ const_lz4Literals(R8), BX
	CMPQ DX, BX
	JA   done // no room for a whole copy behind the end
	MOVQ DX, DI
	MOVQ R12, SI
	JMP  store

load:
	ADDQ    $const_lz4Match, AX
	ADDQ    $const_lz4Match, R13
	VMOVDQU (AX), Y0
	VMOVDQU 32(AX), Y1
	VMOVDQU 64(AX), Y2
store:
	VMOVDQU Y0, (R13)
	VMOVDQU Y1, 32(R13)
	VMOVDQU Y2, 64(R13)
	SUBQ    $const_lz4Match, CX
	JA      load
	JMP     sequence

done:
	VZEROUPPER
	SUBQ src+32(FP), SI
	SUBQ dst+0(FP), DI
	MOVQ SI, s+56(FP)
	MOVQ DI, d+64(FP)
	RET
