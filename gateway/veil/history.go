package veil

import (
	"context"
	"errors"
	"fmt"

	"sentrybox/gateway/config"
	"sentrybox/gateway/seal"
)

// SealHistory seals the passwords that configurations of before have in the clear: those from before saving sealed
// them, and those that were written by hand. The file stays as it is, and so does what is in use or on trial. One
// that cannot be read today, as when a file is gone that it names, stays too, and is tried again the next time.
func (k *Keeper) SealHistory(ctx context.Context) error {
	ids, err := k.Unsealed(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	_, file, err := k.Keeper.Current(ctx)
	if err != nil {
		return err
	}
	done, left := 0, 0
	begin := k.sealer(k.sealed(file))
	err = k.Store.Shred(ctx, func() error {
		for _, id := range ids {
			r, body, err := k.Keeper.Body(ctx, id)
			if err != nil {
				return err
			}
			// What an old one says of the environment need not be there any more.
			text, _, err := sealSame(k.Path, string(body), config.Lenient(config.Environment(k.Path)), begin)
			if errors.Is(err, errKey) {
				return err
			}
			if err != nil {
				left++
				continue
			}
			if err := k.PutSealed(ctx, r, []byte(text)); err != nil {
				return err
			}
			if text != string(body) {
				done++
			}
		}
		return nil
	})
	if done+left > 0 {
		k.Log.Info("passwords of old configurations are sealed", "configurations", done, "left_as_they_are", left)
	}
	if err != nil {
		return fmt.Errorf("seal the passwords of old configurations: %w", err)
	}
	return nil
}

// sealed returns the sealed texts of a configuration by what they say.
func (k *Keeper) sealed(body []byte) map[string]string {
	all, lookup := map[string]string{}, config.Environment(k.Path)
	for _, text := range seal.Texts(body) {
		if secret, ok := lookup(seal.Prefix + text); ok {
			all[secret] = "${" + seal.Prefix + text + "}"
		}
	}
	return all
}
