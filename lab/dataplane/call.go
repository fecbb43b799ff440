package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"
)

// mostInFlight is how many calls of one caller may be in flight. A busy machine gets fewer calls instead of a crowd that
// keeps it from answering any. It is more than a rate of 100 needs if each call takes two seconds.
const mostInFlight = 300

// A caller says how to call, and prints what became of each call.
type caller struct {
	targets []*url.URL
	family  string
	timeout time.Duration
	count   uint
	every   time.Duration // from the start of one call to the start of the next; 0: when the one before has ended

	printing sync.Mutex
	failed   error
}

// call calls the URLs in turn, until it has made as many calls as wanted or the context ends. Calls that have begun by
// then still end, and are printed.
func call(ctx context.Context, arguments []string) error {
	caller, err := newCaller(arguments)
	if err != nil {
		return err
	}
	if caller.every == 0 {
		caller.oneByOne(ctx)
	} else {
		caller.openLoop(ctx)
	}
	return caller.failed
}

func newCaller(arguments []string) (*caller, error) {
	flags := newFlags("call")
	rate := flags.Float64("rate", 0, fmt.Sprintf("calls a second, at most %d in flight; 0: one after another", mostInFlight))
	count := flags.Uint("count", 0, "calls to make; 0: until a signal ends it")
	timeout := flags.Duration("timeout", 10*time.Second, "the longest that a call may take, look-up included")
	family := flags.String("family", "", "4 or 6: call only such addresses")
	rest, err := parse(flags, arguments)
	if err != nil {
		return nil, err
	}
	if len(rest) == 0 || *rate < 0 || *timeout <= 0 || !slices.Contains([]string{"", "4", "6"}, *family) {
		return nil, usageError("URLs are needed, a family of 4 or 6, and no negative numbers")
	}
	targets, err := parseTargets(rest)
	caller := &caller{targets: targets, family: *family, timeout: *timeout, count: *count}
	if *rate > 0 {
		caller.every = time.Duration(float64(time.Second) / *rate)
	}
	return caller, err
}

func parseTargets(texts []string) ([]*url.URL, error) {
	var targets []*url.URL
	for _, text := range texts {
		target, err := url.Parse(text)
		if err != nil {
			return nil, usageError(err.Error())
		}
		if target.Scheme != "http" && (target.Scheme != "udp" || target.Port() == "") || target.Hostname() == "" {
			return nil, usageError(fmt.Sprintf("%q is neither http://HOST[:PORT]/PATH nor udp://HOST:PORT", text))
		}
		targets = append(targets, target)
	}
	return targets, nil
}

func (c *caller) oneByOne(ctx context.Context) {
	for number := uint(0); ctx.Err() == nil && !c.isDone(number); number++ {
		c.callOnce(number)
	}
}

// openLoop starts a call at each tick, whatever became of those before. Ticks are lost while too many calls are in
// flight, and while the caller gets no time from the machine.
func (c *caller) openLoop(ctx context.Context) {
	var inFlight sync.WaitGroup
	defer inFlight.Wait()
	places := make(chan struct{}, mostInFlight)
	clock := time.NewTicker(c.every)
	defer clock.Stop()
	for number := uint(0); !c.isDone(number); number++ {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
		select {
		case <-ctx.Done():
			return
		case places <- struct{}{}:
		}
		inFlight.Go(func() {
			defer func() { <-places }()
			c.callOnce(number)
		})
	}
}

func (c *caller) isDone(number uint) bool {
	return c.count > 0 && number == c.count
}

// callOnce ends by its own time-out and not with the context of the command: a call that has begun is not cut short.
func (c *caller) callOnce(number uint) {
	target := c.targets[number%uint(len(c.targets))]
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	began := time.Now()
	answer, err := ask(ctx, target, c.family)
	c.print(newOutcome(target, began, answer, err))
}

// An outcome is what is printed about one call.
type outcome struct {
	At     float64 `json:"at"`   // when it began, in seconds of Unix time
	Took   float64 `json:"took"` // seconds
	URL    string  `json:"url"`
	By     string  `json:"by"` // the pod that answered
	Port   int     `json:"port"`
	SeenAs string  `json:"seen_as"` // the address from which the pod was called
	Error  failure `json:"error"`
	Detail string  `json:"detail,omitempty"`
}

func newOutcome(target *url.URL, began time.Time, answer answer, err error) outcome {
	took := time.Since(began)
	printed := outcome{
		At: float64(began.UnixMicro()) / 1e6, Took: float64(took.Microseconds()) / 1e6, URL: target.String(),
		By: answer.by, Port: answer.port, SeenAs: answer.seenAs, Error: failureOf(err),
	}
	if printed.Error == other {
		printed.Detail = err.Error()
	}
	return printed
}

// print writes a line at once and as a whole: whoever reads it follows the calls while they go on.
func (c *caller) print(outcome outcome) {
	c.printing.Lock()
	defer c.printing.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(outcome); err != nil {
		c.failed = err
	}
}
