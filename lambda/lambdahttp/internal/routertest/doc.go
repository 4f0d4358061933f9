// Package routertest runs one test of lambdahttp on the routers that Go programs
// use. It is a module of its own, so that package lambda requires none of them.
package routertest
