//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func lookAtDense(r *rise, n int, found *[batchRecords]uint8)
TEXT ·lookAtDense(SB), NOSPLIT, $0-24
	MOVQ r+0(FP), SI
	MOVQ n+8(FP), DI
	MOVQ found+16(FP), R8

register:
	MOVQ rise_at(SI), R10
	MOVL rise_value(SI), BX
	MOVBLZX rise_event(SI), R11
	XORL DX, DX
	CMPB (R10), BX
	SETCC DX
	SHLL $1, DX
	ORB DX, (R8)(R11*1)
	ADDQ $rise__size, SI
	DECQ DI
	JNZ register
	RET

// func lookAtFew(r *rise, n int, found *[batchRecords]uint8)
TEXT ·lookAtFew(SB), NOSPLIT, $0-24
	MOVQ r+0(FP), SI
	MOVQ n+8(FP), DI
	MOVQ found+16(FP), R8

register:
	MOVQ rise_at(SI), R10
	MOVL rise_value(SI), BX
	MOVBLZX rise_event(SI), R11
	MOVL BX, CX
	ORL $0xff, CX // the same register's highest
	VPBROADCASTD BX, Z1
	VPBROADCASTD CX, Z2
	VMOVDQU32 (R10), Z0
	VPCMPUD $5, Z1, Z0, K1     // not less
	VPCMPUD $2, Z2, Z0, K1, K1 // and not more
	XORL DX, DX
	KORTESTW K1, K1
	SETNE DX
	SHLL $1, DX
	ORB DX, (R8)(R11*1)
	ADDQ $rise__size, SI
	DECQ DI
	JNZ register
	VZEROUPPER
	RET
