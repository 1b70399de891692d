// What tells plain bytes from others: Z0 quote, Z1 backslash, Z2 space. As signed bytes, what is less than a space is a control character
// or not ASCII.
#define PLAIN \
	MOVL $0x22, AX       \
	VPBROADCASTB AX, Z0  \
	MOVL $0x5c, AX       \
	VPBROADCASTB AX, Z1  \
	MOVL $0x20, AX       \
	VPBROADCASTB AX, Z2
