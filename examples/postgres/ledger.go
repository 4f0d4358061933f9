package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ledger is the table, seen through one pool of connections. It is a
// lambda.Service: opened before the first invocation, closed after the last.
type ledger struct {
	url  string
	pool *pgxpool.Pool
}

func newLedger(url string) *ledger { return &ledger{url: url} }

// Open connects. An execution environment serves one invocation at a time, so one
// connection is all that it can use: the database sees as many connections as
// there are environments. A pool of one still has its worth, since it replaces a
// connection that the server has closed while the environment was frozen.
func (l *ledger) Open(ctx context.Context) error {
	cfg, err := pgxpool.ParseConfig(l.url)
	if err != nil {
		return fmt.Errorf("read DATABASE_URL: %w", err)
	}
	cfg.MinConns, cfg.MaxConns = 0, 1
	if l.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return fmt.Errorf("make a pool: %w", err)
	}
	if err := l.pool.Ping(ctx); err != nil {
		l.pool.Close()
		return fmt.Errorf("reach the database: %w", err)
	}
	slog.InfoContext(ctx, "pool opened")
	return nil
}

// Close gives the connection back to the server, which would otherwise keep it
// until TCP finds out.
func (l *ledger) Close(ctx context.Context) error {
	l.pool.Close()
	slog.InfoContext(ctx, "pool closed")
	return nil
}

// entries adds text, unless it is empty, and returns what the tenant has. No
// statement here names a tenant: the transaction says whose it is, and the policy
// of the table does the rest. See schema.sql.
func (l *ledger) entries(ctx context.Context, tenantID, text string) ([]string, error) {
	entries := []string{}
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		// true: for this transaction only, whatever becomes of it.
		if _, err := tx.Exec(ctx, "SELECT set_config('berth.tenant', $1, true)", tenantID); err != nil {
			return fmt.Errorf("name the tenant: %w", err)
		}
		if text != "" {
			if _, err := tx.Exec(ctx, "INSERT INTO ledger (text) VALUES ($1)", text); err != nil {
				return fmt.Errorf("add an entry: %w", err)
			}
		}
		rows, err := tx.Query(ctx, "SELECT text FROM ledger ORDER BY id")
		if err != nil {
			return fmt.Errorf("list the entries: %w", err)
		}
		entries, err = pgx.AppendRows(entries, rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}
