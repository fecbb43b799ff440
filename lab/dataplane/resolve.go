package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

const lookupLimit = 5 * time.Second

// resolve prints the addresses of a name, one a line. A name without an address is an error.
func resolve(ctx context.Context, arguments []string) error {
	rest, err := parse(newFlags("resolve"), arguments)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usageError("one name is needed")
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	addresses, err := (&net.Resolver{PreferGo: true}).LookupNetIP(ctx, "ip", rest[0])
	if err != nil {
		return err
	}
	for _, address := range addresses {
		fmt.Println(address.Unmap())
	}
	return nil
}
