//go:build !purego

#include "textflag.h"

#define ROUND(k) \
	MOVOU k(AX), X8  \
	AESENC X8, X0    \
	AESENC X8, X1    \
	AESENC X8, X2    \
	AESENC X8, X3    \
	AESENC X8, X4    \
	AESENC X8, X5    \
	AESENC X8, X6    \
	AESENC X8, X7

#define BEGIN(i, X) \
	MOVOU (16*i)(BX), X \
	PXOR X8, X

#define END(i, X) \
	AESENCLAST X8, X      \
	MOVOU (16*i)(BX), X9  \
	PXOR X9, X            \
	MOVOU X, (16*i)(BX)

// func completeEights(rounds *[11][16]byte, masked *[16]byte, eights int)
//
// Eight blocks are under way at once, because a round takes several cycles of which each block needs but one.
TEXT ·completeEights(SB), NOSPLIT, $0-24
	MOVQ rounds+0(FP), AX
	MOVQ masked+8(FP), BX
	MOVQ eights+16(FP), CX

eight:
	TESTQ CX, CX
	JZ done
	MOVOU (AX), X8
	BEGIN(0, X0)
	BEGIN(1, X1)
	BEGIN(2, X2)
	BEGIN(3, X3)
	BEGIN(4, X4)
	BEGIN(5, X5)
	BEGIN(6, X6)
	BEGIN(7, X7)
	ROUND(16)
	ROUND(32)
	ROUND(48)
	ROUND(64)
	ROUND(80)
	ROUND(96)
	ROUND(112)
	ROUND(128)
	ROUND(144)
	MOVOU 160(AX), X8
	END(0, X0)
	END(1, X1)
	END(2, X2)
	END(3, X3)
	END(4, X4)
	END(5, X5)
	END(6, X6)
	END(7, X7)
	ADDQ $128, BX
	DECQ CX
	JMP eight

done:
	RET
