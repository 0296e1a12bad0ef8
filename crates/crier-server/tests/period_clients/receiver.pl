#!/usr/bin/perl
# An application's server of 2008: WWW::Facebook::API as it is judges what a browser brings. receiver.pl SECRET API_KEY NOW
# Reads one request a line: the query, a tab, the Cookie header. Prints the signed set, sorted, or "refused". As other clients of
# the time do, it refuses a set whose time is more than 48 hours before NOW (protocol 19.2).
use strict;
use warnings;
use WWW::Facebook::API;

my ( $secret, $api_key, $now ) = @ARGV;

sub pairs {
    my ( $text, $between ) = @_;
    my %pairs;
    for my $pair ( split $between, $text ) {
        my ( $name, $value ) = map { s/%([0-9A-Fa-f]{2})/chr hex $1/egr } split /=/xms, $pair, 2;
        push @{ $pairs{$name} }, $value;
    }
    return \%pairs;
}

# What the client asks of a request.
package Request {
    sub new { my ( $class, $params, $cookies ) = @_; return bless { params => $params, cookies => $cookies }, $class }

    sub param {
        my ( $self, $name ) = @_;
        return keys %{ $self->{params} } if @_ < 2;
        my @values = @{ $self->{params}{$name} // [] };
        return wantarray ? @values : $values[0];
    }

    sub cookie {
        my ( $self, $name ) = @_;
        return keys %{ $self->{cookies} } if @_ < 2;
        return bless [ $self->{cookies}{$name}[0] ], 'Cookie';
    }
}

package Cookie {
    sub value { return $_[0][0] }
}

$| = 1;
while ( my $line = <STDIN> ) {
    chomp $line;
    my ( $query, $cookies ) = split /\t/xms, $line, 2;
    my $request = Request->new( pairs( $query, qr/&/xms ), pairs( $cookies // q{}, qr/;\s*/xms ) );
    my $client = WWW::Facebook::API->new( api_key => $api_key, secret => $secret );
    my $set = eval { $client->canvas->validate_sig($request) };
    if ( !$set || exists $set->{time} && $now - $set->{time} > 48 * 3600 ) {
        print "refused\n";
        next;
    }
    print join( q{&}, map {"$_=$set->{$_}"} sort keys %{$set} ), "\n";
}
