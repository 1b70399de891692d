//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func askForSlots(p *Probe, n int)
TEXT ·askForSlots(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), DI

slot:
	MOVQ Probe_slot(SI), R8
	PREFETCHT0 (R8)
	ADDQ $Probe__size, SI
	DECQ DI
	JNZ slot
	RET

// func seekEntries(p *Probe, n int)
//
// A line of 16 slots is looked at in one step: the first that has the tag, or is empty, from the home slot on. In a window of 2^30 devices
// and more (width 32) shifts do nothing, none is found, and all are looked for one by one.
TEXT ·seekEntries(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), DI

probe:
	MOVBLZX Probe_width(SI), CX
	MOVL Probe_print(SI), R9
	SHLXL CX, R9, R9   // tag
	MOVL $-1, R10
	SHLXL CX, R10, R10 // the bits that it is in
	VPBROADCASTD R9, Z1
	VPBROADCASTD R10, Z2
	MOVQ Probe_slot(SI), R8
	MOVQ R8, R11
	ANDQ $-64, R11     // line
	SUBQ R11, R8
	SHRQ $2, R8        // slots of it that come before

line:
	VMOVDQU32 (R11), Z3
	VPXORD Z1, Z3, Z4
	VPTESTNMD Z2, Z4, K1
	VPTESTNMD Z3, Z3, K2
	KORW K1, K2, K1
	KMOVW K1, AX
	SHRXL R8, AX, AX
	TESTL AX, AX
	JZ further
	TZCNTL AX, AX
	ADDL R8, AX
	ANDNL (R11)(AX*4), R10, DX // ordinal + 1; 0: empty

found:
	SUBL $1, DX
	ADCL $0, DX // where it is empty, or was not found before the last slot, the first entry is as good as any
	MOVL DX, Probe_ordinal(SI)
	MOVL DX, BX
	SHRL $const_chunkBits, BX
	ANDL $(const_chunkEntries-1), DX
	MOVQ Probe_chunks(SI), R12
	MOVQ (R12)(BX*8), R12
	LEAQ (DX)(DX*4), DX
	LEAQ (R12)(DX*4), R12
	PREFETCHT0 (R12)
	PREFETCHT0 (Entry__size-1)(R12)
	MOVQ R12, Probe_at(SI)
	ADDQ $Probe__size, SI
	DECQ DI
	JNZ probe
	VZEROUPPER
	RET

further:
	XORL R8, R8
	ADDQ $64, R11
	CMPQ R11, Probe_end(SI)
	JB line
	XORL DX, DX
	JMP found

// func lookAtEntries(p *Probe, n int, found *[BatchSize]uint8, known *[BatchSize]uint32)
TEXT ·lookAtEntries(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), DI
	MOVQ found+16(FP), R8
	MOVQ known+24(FP), R9
	MOVL $-1, R13

entry:
	MOVQ Probe_at(SI), R10
	MOVBLZX Probe_event(SI), R11
	MOVL Probe_ordinal(SI), R12
	MOVL Probe_now(SI), CX
	MOVL Entry_Seen(R10), BX
	XORL DX, DX
	XORL CX, BX
	ORL $0xffff0000, CX
	TESTL CX, BX
	SETEQ DX // the same day, and the kind among that day's
	VMOVDQU (R10), X1
	VPXOR Probe_print(SI), X1, X1
	XORL AX, AX
	VPTEST X1, X1
	CMOVLNE AX, DX
	CMOVLNE R13, R12
	MOVL R12, (R9)(R11*4)
	ORB DX, (R8)(R11*1)
	ADDQ $Probe__size, SI
	DECQ DI
	JNZ entry
	RET
