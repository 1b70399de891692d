//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func findExtents(b *byte, size, at int, to *extent, n int) int
//
// Numbers are read without a loop: the first byte of eight that has no continuation bit ends the number, and PEXT gathers the bits
// up to it. What does not fit in the bytes that are looked at ends the run.
//
// AX b, R8 behind it; SI the record; R9 the last place from where eight bytes can be read twice; DI where to write, CX how many.
TEXT ·findExtents(SB), NOSPLIT, $0-48
	MOVQ b+0(FP), AX
	MOVQ size+8(FP), R8
	MOVQ at+16(FP), SI
	MOVQ to+24(FP), DI
	MOVQ n+32(FP), CX
	LEAQ (AX)(R8*1), R8
	ADDQ AX, SI
	LEAQ -const_extentReads(R8), R9
	MOVQ $0x7f7f7f7f7f7f7f7f, R15

record:
	CMPQ SI, R9
	JA   done

	// BX the record's end: of one byte or two.
	MOVQ  (SI), R10
	MOVQ  R10, R11
	NOTQ  R11
	MOVL  R11, DX
	ANDL  $0x8080, DX
	JZ    done
	TZCNTL DX, R12
	INCL  R12              // bits of the number
	BLSMSKL DX, DX
	ANDL  R15, DX
	PEXTL DX, R10, BX
	MOVL  BX, R13
	ANDL  $1, R13
	NEGL  R13
	SHRL  $1, BX
	XORL  R13, BX
	MOVLQSX BX, BX
	SHRXQ R12, R10, R10
	SHRXQ R12, R11, R11
	SHRL  $3, R12
	ADDQ  R12, SI
	ADDQ  SI, BX

	// The time: of at most five, after the attributes.
	SHRQ  $8, R10
	SHRQ  $8, R11
	MOVQ  $0x8080808080, DX
	ANDQ  R11, DX
	JZ    done
	TZCNTQ DX, R12
	BLSMSKQ DX, DX
	ANDQ  R15, DX
	PEXTQ DX, R10, R10
	MOVQ  R10, R13
	ANDL  $1, R13
	NEGQ  R13
	SHRQ  $1, R10
	XORQ  R13, R10
	MOVQ  R10, extent_time(DI)
	SHRQ  $3, R12
	LEAQ  2(SI)(R12*1), R13

	// The offset: of at most three; the length of the key: of at most two.
	MOVQ  (R13), R10
	MOVQ  R10, R11
	NOTQ  R11
	MOVL  R11, DX
	ANDL  $0x808080, DX
	JZ    done
	TZCNTL DX, R12
	INCL  R12
	BLSMSKL DX, DX
	ANDL  R15, DX
	SHRXQ R12, R11, R11
	PEXTL DX, R10, DX
	SHRXQ R12, R10, R10
	SHRL  $3, R12
	ADDQ  R12, R13
	MOVL  DX, R12
	ANDL  $1, R12
	NEGL  R12
	SHRL  $1, DX
	XORL  R12, DX
	MOVLQSX DX, DX
	MOVQ  DX, extent_delta(DI)

	ANDL  $0x8080, R11
	JZ    done
	TZCNTL R11, R12
	BLSMSKL R11, R11
	ANDL  R15, R11
	PEXTL R11, R10, R10
	SHRL  $3, R12
	LEAQ  1(R13)(R12*1), R13
	MOVL  R10, R12
	ANDL  $1, R12
	NEGL  R12
	SHRL  $1, R10
	XORL  R12, R10
	MOVLQSX R10, R10
	MOVQ  R13, DX
	SUBQ  AX, DX
	TESTQ R10, R10
	JS    absent

key:
	MOVQ  DX, extent_key(DI)
	ADDQ  R10, R13
	MOVQ  R13, DX
	SUBQ  AX, DX
	MOVQ  DX, extent_keyEnd(DI)
	LEAQ  8(R13), DX
	CMPQ  DX, R8
	JA    done

	// The value: its length of at most three bytes, and not absent.
	MOVL  (R13), R10
	MOVL  R10, R11
	NOTL  R11
	ANDL  $0x808080, R11
	JZ    done
	TZCNTL R11, R12
	BLSMSKL R11, R11
	ANDL  R15, R11
	PEXTL R11, R10, R10
	TESTL $1, R10
	JNZ   done
	SHRL  $1, R10
	SHRL  $3, R12
	LEAQ  1(R13)(R12*1), R13
	ADDQ  R13, R10
	CMPQ  R10, BX // the headers' count is to come
	JAE   done
	CMPQ  BX, R8
	JA    done
	MOVQ  BX, SI
	SUBQ  AX, R13
	SUBQ  AX, R10
	SUBQ  AX, BX
	MOVQ  R13, extent_value(DI)
	MOVQ  R10, extent_valueEnd(DI)
	MOVQ  BX, extent_end(DI)
	ADDQ  $extent__size, DI
	DECQ  CX
	JNZ   record

done:
	SUBQ  n+32(FP), CX
	NEGQ  CX
	MOVQ  CX, ret+40(FP)
	RET

absent: // −1; nothing less is one
	CMPQ  R10, $-1
	JNE   done
	XORL  R10, R10
	MOVQ  $-1, DX
	JMP   key
